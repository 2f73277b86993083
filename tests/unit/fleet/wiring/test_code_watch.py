"""Code that nobody has looked at is not acted on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.chain.failures import NodeUnavailable
from fleet.settings import CodeHashes, ContractsSettings
from fleet.store.code_pins import Code
from fleet.store.engine import Database, open_database
from fleet.store.server import StoreAway
from fleet.transactions.request import Refused
from fleet.wiring.code_judgement import CodeVerdict, judged
from fleet.wiring.code_watch import EVERY_BLOCKS, IMPLEMENTATION, CodeWatch, Gate
from protocol.sending import DryRun
from tests.unit.fleet.runtime.streams import head
from tests.unit.fleet.transactions.world import request
from tests.unit.fleet.wiring.simulated import Wall
from units import Address, BlockHash, BlockNumber, Head

EXCHANGE, FEED = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
TARGET, OTHER = Address("0x" + "33" * 20), Address("0x" + "44" * 20)
CONTRACTS = ContractsSettings(exchange=EXCHANGE, price_feed=FEED)


@dataclass
class Contracts:
    """A chain whose code a test changes."""

    codes: dict[str, bytes] = field(default_factory=lambda: {EXCHANGE: b"\x60", FEED: b"\x61"})
    slots: dict[tuple[str, int], bytes] = field(default_factory=dict)
    is_down: bool = False
    asked: int = 0
    at: set[int] = field(default_factory=set)

    async def head(self) -> Head:
        if self.is_down:
            raise NodeUnavailable("no node answers")
        return head(7)

    async def code(self, account: Address, block: BlockNumber) -> bytes:
        self.asked += 1
        self.at.add(block)
        if self.is_down:
            raise NodeUnavailable("no node answers")
        return self.codes.get(account, b"")

    async def storage(self, account: Address, slot: int, block: BlockNumber) -> bytes:
        self.at.add(block)
        return self.slots.get((account, slot), bytes(32))

    def point(self, target: Address) -> None:
        """The exchange becomes a proxy."""
        self.slots[EXCHANGE, IMPLEMENTATION] = bytes(12) + bytes.fromhex(target[2:])
        self.codes[target] = b"\x62"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


def watch(
    database: Database, chain: Contracts, contracts: ContractsSettings = CONTRACTS
) -> CodeWatch:
    async def opened() -> Database:
        return database

    return CodeWatch(node=chain, contracts=contracts, opened=opened, clock=Wall())


async def pages(database: Database) -> list[str]:
    async with database.reading() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT severity, title FROM outbox ORDER BY ordinal"
        )
        return [row.title for row in rows if row.severity == "page"]


async def test_first_sight__is_accepted_and_stays_so_over_a_restart(database: Database) -> None:
    chain = Contracts()
    assert await watch(database, chain).refusal() is None

    chain.codes[EXCHANGE] = b"\x69"

    refusal = await watch(database, chain).refusal()
    assert refusal == (
        f"the code of exchange {EXCHANGE} is another than was accepted: nothing is sent until"
        " somebody has looked and run: keepers accept-code"
    )


async def test_refusal__nobody_has_looked__everything_is_read_at_the_block_that_is_agreed_on(
    database: Database,
) -> None:
    chain = Contracts()
    chain.point(TARGET)
    await watch(database, chain).refusal()
    await watch(database, chain).facts()
    assert chain.at == {7}


async def test_a_change__closes_the_gate_pages_once_and_is_over_when_it_is_accepted(
    database: Database,
) -> None:
    chain = Contracts()
    seen = watch(database, chain)
    gate = Gate(DryRun(), seen)
    await seen.look(head(1))
    assert not _is_code(await gate.submit(request()))

    chain.codes[FEED] = b"\x69"
    for number in range(2, 3 * EVERY_BLOCKS):
        await seen.look(head(number))
    assert _is_code(await gate.submit(request()))
    assert await pages(database) == [f"the code of price_feed {FEED} is another than was accepted"]

    other_process = watch(database, chain)
    await other_process.accept(await other_process.facts())
    await seen.look(head(4 * EVERY_BLOCKS))
    assert not _is_code(await gate.submit(request()))


def _is_code(answer: object) -> bool:
    return isinstance(answer, Refused) and "accept-code" in answer.reason


async def test_a_proxy_that_points_elsewhere__is_a_change_though_its_code_is_the_same(
    database: Database,
) -> None:
    chain = Contracts()
    chain.point(TARGET)
    assert await watch(database, chain).refusal() is None

    chain.point(OTHER)

    assert "the code of exchange" in str(await watch(database, chain).refusal())


async def test_a_pin_of_the_settings__goes_before_first_sight(database: Database) -> None:
    chain = Contracts()
    pinned = CONTRACTS.model_copy(update={"code_hashes": CodeHashes(exchange="0x" + "ab" * 32)})

    assert "the code of exchange" in str(await watch(database, chain, pinned).refusal())


async def test_no_code__is_refused(database: Database) -> None:
    chain = Contracts(codes={FEED: b"\x61"})

    assert "there is no code at exchange" in str(await watch(database, chain).refusal())


async def test_unread__nothing_is_sent_and_once_read_an_outage_changes_nothing(
    database: Database,
) -> None:
    chain = Contracts(is_down=True)
    seen = watch(database, chain)
    gate = Gate(DryRun(), seen)
    await seen.look(head(1))
    with pytest.raises(NodeUnavailable):
        await gate.submit(request())

    chain.is_down = False
    await seen.look(head(2))
    chain.is_down = True
    await seen.look(head(2 + EVERY_BLOCKS))
    assert await seen.refusal() is None


async def test_look__the_store_is_away__costs_nothing_and_the_next_one_sees_the_change(
    database: Database,
) -> None:
    is_away = True

    async def opened() -> Database:
        if is_away:
            raise StoreAway("the store does not answer")
        return database

    chain = Contracts()
    await watch(database, chain).look(head(1))
    chain.codes[EXCHANGE] = b"\x63"
    seen = CodeWatch(node=chain, contracts=CONTRACTS, opened=opened, clock=Wall())
    await seen.look(head(2))
    with pytest.raises(StoreAway):
        await seen.refusal()
    is_away = False
    await seen.look(head(3))
    assert await seen.refusal() is not None
    assert len(await pages(database)) == 1


async def test_look__between__asks_nothing(database: Database) -> None:
    chain = Contracts()
    seen = watch(database, chain)
    await seen.look(head(1))
    asked = chain.asked

    await seen.look(head(EVERY_BLOCKS))

    assert chain.asked == asked


codes = st.builds(
    Code,
    code_hash=st.sampled_from([BlockHash("0x" + digit * 64) for digit in "ab"]),
    implementation=st.sampled_from([None, TARGET, OTHER]),
    implementation_hash=st.sampled_from([None, BlockHash("0x" + "c" * 64)]),
)


@given(found=codes, accepted=st.none() | codes, pinned=st.sampled_from([None, "0x" + "a" * 64]))
def test_judged__only_what_was_accepted_or_pinned_or_is_first_seen_passes(
    found: Code, accepted: Code | None, pinned: str | None
) -> None:
    facts = judged(
        "exchange", EXCHANGE, found, accepted, None if pinned is None else BlockHash(pinned)
    )

    if facts.trouble is None:
        is_first = accepted is None and pinned in {None, found.code_hash}
        is_repinned = pinned == found.code_hash and accepted == replace(
            found, code_hash=None if accepted is None else accepted.code_hash
        )
        assert found == accepted or is_first or is_repinned
    else:
        assert facts.verdict is CodeVerdict.CHANGED
        assert found != accepted
