"""A store with the tables of version 8, as a program of that time has filled them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    make_url,
)
from sqlalchemy.ext.asyncio import create_async_engine

from fleet.store import migrations
from fleet.store.server import DRIVER
from fleet.store.stamp import Stamp
from fleet.store.tables import stamp
from keepers.liquidation.positions import PositionKey
from keepers.warnings.tiers import TierWatch, Watch

warning_tiers = Table(
    "warning_tiers",
    MetaData(),
    Column("position_id", String(34), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("tier_bps", Integer, primary_key=True, autoincrement=False),
    Column("stage", String(16), nullable=False),
    Column("episode", Integer, nullable=False),
    Column("below_since", BigInteger),
    Column("is_found", Boolean, nullable=False),
)


async def write_version_8(url: str, world: Stamp, watches: dict[PositionKey, Watch]) -> None:
    """Makes the store at `url`, which is empty, one of version 8 that remembers these."""
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername=DRIVER)
    engine = create_async_engine(address)
    async with engine.begin() as connection:
        await connection.run_sync(_write, world, watches)
    await engine.dispose()


def _write(connection: Connection, world: Stamp, watches: dict[PositionKey, Watch]) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "8")
    connection.execute(insert(stamp), {"only": 1, "schema": 8, **asdict(world)})
    rows = [_row(key, tier) for key, watch in watches.items() for tier in watch]
    if rows:
        connection.execute(insert(warning_tiers), rows)


def _row(key: PositionKey, tier: TierWatch) -> dict[str, Any]:
    return {
        "position_id": f"0x{key.id.hex()}",
        "sequence": key.sequence,
        "tier_bps": tier.tier_bps,
        "stage": tier.stage.value,
        "episode": tier.episode,
        "below_since": tier.below_since,
        "is_found": tier.is_found,
    }
