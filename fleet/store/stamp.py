"""Binds a store to one world, so that state of another chain or exchange is never acted on.

A devnet restarted from scratch, a testnet store mounted in production: each would otherwise
look like a valid journal of transactions and alerts.
"""

from dataclasses import dataclass

from sqlalchemy import insert, select

from fleet.store.engine import Database, StoreError
from fleet.store.tables import SCHEMA
from fleet.store.tables import stamp as table
from units import Address, BlockHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a store belongs to. `genesis` is the hash of block 0 of the EVM chain."""

    chain_id: int
    genesis: BlockHash
    exchange: Address

    def __str__(self) -> str:
        return f"chain {self.chain_id}, genesis {self.genesis}, exchange {self.exchange}"


async def claim(database: Database, stamp: Stamp) -> None:
    """Stamps a new store, or checks that the store carries this stamp.

    Raises:
        StoreError: it carries another one.
    """
    async with database.writing() as connection:
        row = (await connection.execute(select(table))).one_or_none()
        if row is None:
            await connection.execute(
                insert(table).values(
                    only=1,
                    schema=SCHEMA,
                    chain_id=stamp.chain_id,
                    genesis=stamp.genesis,
                    exchange=stamp.exchange,
                )
            )
            return
    found = Stamp(chain_id=row.chain_id, genesis=row.genesis, exchange=row.exchange)
    _compare(found, stamp, what=f"the store {database.where}")


async def recognise(
    database: Database, *, chain_id: int, exchange: Address, what: str | None = None
) -> None:
    """Checks a store that is only looked into, as far as that can be told without its chain.

    Raises:
        StoreError: it carries another stamp, or none at all; `what` is how an operator calls it.
    """
    what = what or f"the store {database.where}"
    async with database.reading() as connection:
        row = (await connection.execute(select(table))).one_or_none()
    if row is None:
        raise StoreError(f"{what} is empty: nothing was ever kept in it")
    found = Stamp(chain_id=row.chain_id, genesis=row.genesis, exchange=row.exchange)
    expected = Stamp(chain_id=chain_id, genesis=row.genesis, exchange=exchange)
    _compare(found, expected, what=what)


def _compare(found: Stamp, expected: Stamp, *, what: str) -> None:
    if found != expected:
        raise StoreError(f"{what} belongs to {found}; this fleet works on {expected}")
