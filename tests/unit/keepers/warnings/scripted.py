"""A world in which every ratio is scripted, and a store that can die around its commits."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from keepers.liquidation.assessment import PositionRisk, RiskView
from keepers.liquidation.exchange_log import Unreadable
from keepers.liquidation.positions import (
    BlockEvents,
    FundingAccrued,
    Position,
    PositionKey,
    PositionLiquidated,
)
from keepers.liquidation.risk import RiskUnknown
from keepers.liquidation.standing import UnknownReason
from keepers.warnings.alerts import Alert
from keepers.warnings.keeper import WarningsKeeper
from keepers.warnings.observation import WarningChange, WarningState, applied
from keepers.warnings.stretches import stretches
from keepers.warnings.survey import Survey, Watches, everybody
from keepers.warnings.tiers import WarningPolicy
from units import (
    Address,
    BlockHash,
    BlockNumber,
    Bps,
    FundingIndex,
    Head,
    Netuid,
    PositionId,
    PriceWei,
    Timestamp,
    Wei,
)
from units import Sequence as OpeningNumber

GENESIS_TIME = 1_700_006_400  # a multiple of six hours
TRADER = Address("0x00000000000000000000000000000000000000AA")
POLICY = WarningPolicy()


def head(number: int, fork: int = 0, parent_fork: int | None = None) -> Head:
    parent = fork if parent_fork is None else parent_fork
    return Head(
        number=BlockNumber(number),
        hash=BlockHash(f"0x{fork:032x}{number:032x}"),
        parent_hash=BlockHash(f"0x{parent:032x}{number - 1:032x}"),
        time=Timestamp(GENESIS_TIME + 12 * number),
    )


def key(number: int, sequence: int = 1) -> PositionKey:
    return PositionKey(id=PositionId(bytes(15) + bytes([number])), sequence=OpeningNumber(sequence))


def risk(number: int, ratio: int | None, netuid: int = 8, sequence: int = 1) -> PositionRisk:
    position = Position(
        key=key(number, sequence),
        holder=bytes.fromhex(TRADER[2:]),
        netuid=Netuid(netuid),
        is_long=True,
        margin=Wei(10**18),
        size=Wei(3 * 10**18),
        entry_price=PriceWei(10**17),
        entry_index=FundingIndex(0),
    )
    return PositionRisk(
        position=position,
        remaining=None if ratio is None else ratio,
        ratio_bps=None if ratio is None else Bps(ratio),
        unknown=UnknownReason.SUSPENDED if ratio is None else None,
        liquidation_price=PriceWei(87 * 10**15),
    )


def liquidated(number: int, bad_debt: int = 0) -> PositionLiquidated:
    return PositionLiquidated(
        key=key(number),
        trader=TRADER,
        netuid=Netuid(8),
        price=PriceWei(85 * 10**15),
        index=FundingIndex(0),
        remaining=-bad_debt if bad_debt else 10**17,
        penalty=Wei(0 if bad_debt else 5 * 10**15),
        keeper_share=Wei(0),
        bad_debt=Wei(bad_debt),
    )


@dataclass
class World:
    """Risks and liquidations by block; a node that keeps the logs of its last 300 blocks."""

    risks: dict[int, Sequence[PositionRisk]] = field(default_factory=dict)
    liquidations: dict[int, PositionLiquidated] = field(default_factory=dict)
    is_risk_known: bool = True
    is_log_readable: bool = True
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def survey(self, head: Head, *, anew: bool) -> Survey | RiskUnknown:
        del anew  # everybody, always
        if not self.is_risk_known:
            return RiskUnknown(reason="no book")
        risks = tuple(self.risks.get(head.number, ()))
        return everybody(RiskView(head=head, positions=risks, markets={}), stretches(POLICY))

    async def note(self, head: Head) -> None:
        """It is asked about everybody anyway."""

    async def settle(self, head: Head, watches: Watches) -> None:
        """The same."""

    async def events(self, first: BlockNumber, last: Head) -> tuple[BlockEvents, ...] | Unreadable:
        if not self.is_log_readable:
            return Unreadable(reason="the node does not answer")
        self.asked.append((first, last.number))
        noise = FundingAccrued(netuid=Netuid(8), index=FundingIndex(1), until=Timestamp(1))
        return tuple(
            BlockEvents(number=BlockNumber(n), hash=head(n).hash, events=(noise, event))
            for n, event in sorted(self.liquidations.items())
            if max(first, last.number - 300) <= n <= last.number
        )


class CrashError(Exception):
    """The process dies here."""


@dataclass
class Disk:
    """A store that survives its keepers, and can die before or after a commit."""

    state: WarningState = field(default_factory=WarningState)
    outbox: dict[str, Alert] = field(default_factory=dict)
    dies_before: bool = False
    dies_after: bool = False
    commits: int = 0

    async def load(self) -> WarningState:
        # who departed need not be stored
        return replace(self.state, watches=dict(self.state.watches), departed={})

    async def commit(self, change: WarningChange) -> frozenset[str]:
        if self.dies_before:
            self.dies_before = False
            raise CrashError
        self.commits += 1
        new = frozenset(a.id for a in change.alerts if a.id not in self.outbox)
        self.outbox |= {alert.id: alert for alert in change.alerts if alert.id in new}
        before = replace(self.state, watches=dict(self.state.watches))
        self.state = applied(before, change)
        waiting = [entry.alert_id for entry in self.state.digest]
        assert len(set(waiting)) == len(waiting), "a database would refuse an entry twice"
        if self.dies_after:
            self.dies_after = False
            raise CrashError
        return new


def keeper(world: World, disk: Disk, policy: WarningPolicy = POLICY) -> WarningsKeeper:
    return WarningsKeeper(risks=world, log=world, store=disk, policy=policy)
