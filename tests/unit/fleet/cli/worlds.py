"""What commands look at besides the bots: a world in order, what was decided, code, a backup."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet.settings import Settings
from fleet.store.engine import StoreError
from fleet.wiring.code_judgement import CodeFacts, CodeVerdict
from fleet.wiring.evidence import Explanation
from fleet.wiring.facts import (
    AccountFacts,
    AdminCall,
    ContractFacts,
    MarketFacts,
    NodeFacts,
    RoleFacts,
    SourceFacts,
    Unread,
)
from units import (
    Address,
    BlockHash,
    BlockNumber,
    Bps,
    Netuid,
    PositionId,
    Seconds,
    Timestamp,
    TxHash,
    Wei,
)

KEEPER = Address("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A")
ADMIN = Address("0x00000000000000000000000000000000000000Ad")
CODE = BlockHash("0x" + "c0" * 32)
TAO = 10**18
HASH = TxHash("0x" + "ab" * 32)


class Examined:
    """A world in order; a test spoils one fact after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.node: NodeFacts | Unread = NodeFacts(
            chain_id=964,
            head=BlockNumber(100),
            head_time=Timestamp(1_760_000_000),
            read_at=Timestamp(1_760_000_004),
        )
        self.source: SourceFacts | Unread = SourceFacts(
            genesis=BlockHash("0x" + "ab" * 32),
            spec_version=424,
            finalized=BlockNumber(98),
            has_price_api=True,
            has_identities=True,
        )
        self.code_hash: BlockHash | None = CODE
        self.balance = Wei(5 * TAO)
        self.is_granted = True
        self.registered_at: BlockNumber | Unread | None = BlockNumber(5)
        self.open_fee = Bps(10)
        self.is_listed = True
        self.unreadable: str | None = None
        self.remedy = ""

    async def nodes(self) -> Mapping[str, NodeFacts | Unread]:
        return {"anvil": self.node}

    def clearing(self, netuids: Sequence[Netuid]) -> AdminCall:
        to = Address(self.settings.contracts.price_feed)
        return AdminCall(to=to, data=bytes(netuids), text=f"resume({list(netuids)})")

    async def sources(self) -> Mapping[str, SourceFacts | Unread]:
        return {"stand-in": self.source}

    async def contracts(self) -> tuple[ContractFacts, ...] | Unread:
        exchange = Address(self.settings.contracts.exchange)
        contract = ContractFacts(name="exchange", address=exchange, code_hash=self.code_hash)
        return self._unread() or (contract,)

    async def accounts(self) -> tuple[AccountFacts, ...] | Unread:
        account = AccountFacts(workload="operator", address=KEEPER, balance=self.balance)
        return self._unread() or (account,)

    async def roles(self) -> tuple[RoleFacts, ...] | Unread:
        grant = AdminCall(to=ADMIN, data=b"\x2f\x2f\xf1\x5d", text="grantRole(KEEPER_ROLE, …)")
        role = RoleFacts(
            role="KEEPER_ROLE",
            contract="exchange",
            account=KEEPER,
            needed_for="to liquidate",
            is_granted=self.is_granted,
            grant=grant,
        )
        return self._unread() or (role,)

    async def markets(self) -> tuple[MarketFacts, ...] | Unread:
        market = MarketFacts(
            netuid=Netuid(8),
            is_listed=self.is_listed,
            registered_at=self.registered_at,
            trading_price_age=Seconds(900),
            open_fee=self.open_fee,
            close_fee=Bps(10),
            maintenance=Bps(2_000),
            funding_interval=Seconds(28_800),
        )
        return self._unread() or (market,)

    def _unread(self) -> Unread | None:
        if self.unreadable is None:
            return None
        return Unread(reason=self.unreadable, remedy=self.remedy)


@dataclass
class Kept:
    """What was decided, the newest first."""

    decisions: list[Explanation] = field(default_factory=list)

    async def about(self, position: PositionId) -> tuple[Explanation, ...]:
        return tuple(each for each in self.decisions if position.hex() in each.subjects)

    async def behind(self, tx_hash: TxHash) -> tuple[Explanation, ...]:
        return tuple(
            each
            for each in self.decisions
            if tx_hash in [attempt.tx_hash for attempt in each.attempts]
        )


@dataclass
class Code:
    """Contracts whose code a test changes."""

    found: tuple[CodeFacts, ...] = ()

    async def facts(self) -> tuple[CodeFacts, ...]:
        return self.found

    async def accept(self, facts: Iterable[CodeFacts]) -> None:
        new = {each.name for each in facts}
        self.found = tuple(
            replace(each, accepted=each.found, verdict=CodeVerdict.ACCEPTED)
            if each.name in new
            else each
            for each in self.found
        )


class Safe:
    """Where one backup is kept."""

    def __init__(self) -> None:
        self.kept: Path | None = None

    async def write(self, file: Path) -> Mapping[str, int]:
        self.kept = file
        return {"journal_entries": 3, "outbox": 2}

    async def restore(self, file: Path) -> Mapping[str, int]:
        if self.kept is not None:
            raise StoreError("the store is in use: restore into an empty one")
        return await self.write(file)
