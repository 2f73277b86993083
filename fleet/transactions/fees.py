"""What is offered for gas, first and again. Pure integers, wei per gas.

A payload never offers the whole ceiling: enough room is kept below it for one more bump, so that
an expired transaction can always be replaced by one that does nothing and no nonce stays open.
"""

from dataclasses import dataclass
from enum import StrEnum

_PERCENT = 100


class FeeMode(StrEnum):
    """Kind of transaction."""

    LEGACY = "legacy"
    EIP1559 = "eip1559"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """What gas costs, in wei.

    `gas_price`: asked by the node; `base_fee`: of the latest block; `recent_base_fee`: the highest
    of the last heads.
    """

    gas_price: int
    base_fee: int
    recent_base_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """An offer: at most `max_fee` per gas. `tip` is None in a legacy transaction (type 0)."""

    max_fee: int
    tip: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePolicy:
    """How transactions are priced.

    `mode`: legacy by default: chain 964 ignores tips, and submission then never depends on how
    the base fee moves; a legacy transaction pays all it offers.
    `floor`: the base fee's floor on chain 964; a node that quotes less is wrong.
    `ceiling`: never offered more.
    `headroom_percent`: above the highest base fee of the last heads. 13: a full block raises it by
    12.5 %.
    `bump_percent`: least rise of a replacement. 13: above the 12.5 % and the 10 % of nodes.
    `tip`: of an EIP-1559 transaction.
    """

    mode: FeeMode = FeeMode.LEGACY
    floor: int = 10 * 10**9
    ceiling: int = 200 * 10**9
    headroom_percent: int = 13
    bump_percent: int = 13
    tip: int = 10**9

    def __post_init__(self) -> None:
        if not 0 < self.floor <= self.payload_ceiling or self.bump_percent < 1 or self.tip < 1:
            raise ValueError(f"no such fee policy: {self}")

    @property
    def payload_ceiling(self) -> int:
        """The highest fee from which one bump still stays below the ceiling."""
        return self.ceiling * _PERCENT // (_PERCENT + self.bump_percent)


def needed(quote: Quoted, policy: FeePolicy) -> int:
    """What gets a transaction into the next block, whatever is allowed."""
    recent = _raised(quote.recent_base_fee, policy.headroom_percent)
    return max(quote.gas_price, policy.floor, recent)


def first_fee(quote: Quoted, policy: FeePolicy, cap: int) -> Fee | None:
    """The first offer, at most `cap`; None when even the latest base fee is above that."""
    if quote.base_fee > cap or policy.floor > cap:
        return None
    return _fee(min(needed(quote, policy), cap), policy.tip, policy)


def insistent_fee(quote: Quoted, policy: FeePolicy) -> Fee:
    """An offer for a nonce that must be used, whatever it costs below the ceiling."""
    return _fee(min(needed(quote, policy), policy.ceiling), policy.tip, policy)


def bumped_fee(previous: Fee, quote: Quoted, policy: FeePolicy, cap: int) -> Fee | None:
    """An offer that replaces `previous` in a node's pool; None when `cap` forbids it.

    To a node all that a legacy transaction offers is tip: that must rise too.
    """
    least = _raised(previous.max_fee, policy.bump_percent)
    if least > cap:
        return None
    before = previous.max_fee if previous.tip is None else previous.tip
    tip = _raised(before, policy.bump_percent)
    return _fee(min(max(least, needed(quote, policy)), cap), tip, policy)


def gas_price_cap(spend_limit: int | None, gas_limit: int, ceiling: int) -> int:
    """The highest fee per gas that keeps a transaction of `gas_limit` within its limits."""
    return ceiling if spend_limit is None else min(ceiling, spend_limit // gas_limit)


def _raised(amount: int, percent: int) -> int:
    return -(-amount * (_PERCENT + percent) // _PERCENT)


def _fee(max_fee: int, tip: int, policy: FeePolicy) -> Fee:
    if policy.mode is FeeMode.LEGACY:
        return Fee(max_fee=max_fee)
    return Fee(max_fee=max_fee, tip=min(tip, max_fee))
