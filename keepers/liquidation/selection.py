"""Which candidates go first and how they are cut into transactions. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keepers.liquidation.gas import GasModel
from keepers.liquidation.margin import bad_debt
from keepers.liquidation.positions import Position, PositionKey
from units import BPS_ONE, Bps, FundingIndex, Head, PositionId, PriceWei, Wei

_PPM_ONE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A position that exact arithmetic finds below maintenance at this price and index.

    `remaining` is in wei and negative when its liquidation leaves bad debt.
    """

    position: Position
    price: PriceWei
    index: FundingIndex
    remaining: int

    @property
    def bad_debt(self) -> Wei:
        """What its liquidation at this price would leave unpaid."""
        return bad_debt(self.remaining)

    def expected_bad_debt(self, shortfall_ppm: int) -> Wei:
        """That, and what a gap of the price may add to it: millionths of the notional."""
        return Wei(self.bad_debt + self.position.size * shortfall_ppm // _PPM_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPolicy:
    """How much of a block liquidations may take.

    `ids_max` is the router's own limit. `gas_share` is a share of the block's gas limit, over
    all batches of one plan: it leaves room for price pushes and for traders who add margin.
    """

    ids_max: int = 300
    block_gas_limit: int = 75_000_000
    gas_share: Bps = Bps(5_000)

    @property
    def gas_max(self) -> int:
        """Gas that all batches of one plan may ask for together."""
        return self.block_gas_limit * self.gas_share // BPS_ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationBatch:
    """One transaction's worth: which positions, decided at which head, with which gas limit."""

    head: Head
    keys: tuple[PositionKey, ...]
    gas_limit: int

    @property
    def ids(self) -> tuple[PositionId, ...]:
        """The position ids as the contract takes them."""
        return tuple(key.id for key in self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The batches of one plan, and the candidates that this block has no room for."""

    batches: tuple[LiquidationBatch, ...]
    deferred: tuple[Candidate, ...]


def rank(
    candidates: Iterable[Candidate], *, dust: Wei = Wei(0), shortfall_ppm: int = 0
) -> tuple[Candidate, ...]:
    """Largest expected bad debt first, then largest size; the key makes the order total.

    Positions smaller than `dust` come after all others: a crowd of them, each with a little bad
    debt, can't keep a large position out of the block. Nor can a crowd that is no dust, each with
    less bad debt than is expected of the large one when the price moves on.
    """
    return tuple(sorted(candidates, key=lambda each: _urgency(each, dust, shortfall_ppm)))


def select(
    ranked: Sequence[Candidate], *, head: Head, policy: SelectionPolicy, gas: GasModel
) -> Selection:
    """Cuts ranked candidates into batches within the id limit and the gas share of a block."""
    batches: list[LiquidationBatch] = []
    gas_left, taken = policy.gas_max, 0
    while taken < len(ranked):
        count = min(policy.ids_max, gas.ids_within(gas_left), len(ranked) - taken)
        if count == 0:
            break
        keys = tuple(candidate.position.key for candidate in ranked[taken : taken + count])
        batches.append(LiquidationBatch(head=head, keys=keys, gas_limit=gas.limit(ids=count)))
        gas_left -= batches[-1].gas_limit
        taken += count
    return Selection(batches=tuple(batches), deferred=tuple(ranked[taken:]))


def _urgency(
    candidate: Candidate, dust: Wei, shortfall_ppm: int
) -> tuple[bool, int, int, PositionKey]:
    position, expected = candidate.position, candidate.expected_bad_debt(shortfall_ppm)
    return position.size < dust, -expected, -position.size, position.key
