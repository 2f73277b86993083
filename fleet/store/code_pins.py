"""Keeps which code of the exchange's contracts was accepted. Decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from fleet.store.engine import Database
from fleet.store.tables import code_pins
from units import Address, BlockHash, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What stands at an address: the hash of its code and, of an EIP-1967 proxy, what it points to.

    `code_hash` is None where there is no code; the other two where it is no proxy.
    """

    code_hash: BlockHash | None
    implementation: Address | None = None
    implementation_hash: BlockHash | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePin:
    """The accepted code of one contract."""

    name: str
    address: Address
    code: Code


async def read_pins(database: Database) -> Mapping[tuple[str, Address], Code]:
    """The accepted code by name and address."""
    async with database.reading() as connection:
        rows = await connection.execute(select(code_pins))
        return {
            (row.name, Address(row.address)): Code(
                code_hash=BlockHash(row.code_hash),
                implementation=None if row.implementation is None else Address(row.implementation),
                implementation_hash=(
                    None if row.implementation_hash is None else BlockHash(row.implementation_hash)
                ),
            )
            for row in rows
        }


async def keep_pin(database: Database, pin: CodePin, now: Timestamp) -> None:
    """Accepts this code in the place of what was accepted before."""
    row = {
        "name": pin.name,
        "address": pin.address,
        "code_hash": pin.code.code_hash,
        "implementation": pin.code.implementation,
        "implementation_hash": pin.code.implementation_hash,
        "accepted_at": now,
    }
    own = (code_pins.c.name == pin.name, code_pins.c.address == pin.address)
    async with database.writing() as connection:
        await connection.execute(delete(code_pins).where(*own))
        await connection.execute(insert(code_pins).values(row))
