"""Who trades in a replay: presets made from a seed, or positions as a CSV file lists them."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path

from devnet.arbitrageur import Arbitrageur
from devnet.demo.shocks import NEAR_THE_LIMITS
from devnet.parameters import MarketTerms
from devnet.population import Crowd, TraderPlan, population
from devnet.replay import most_shaken_first, priced
from devnet.tape import Tape
from devnet.tape_file import seconds_of
from devnet.trader import Mind
from fleet.settings import Settings
from replay.configuration import ReplayInputError
from units import BLOCK_TIME, ONE, BlockNumber, Netuid, Rao, Wei

_GWEI = 10**9
_COLUMNS = ["trader", "market", "side", "margin", "leverage", "time"]
_ARBITRAGEUR_MARGIN = Wei(20 * ONE)

PRESETS: dict[str, Crowd] = {
    "calm": Crowd(at_maximum_leverage=0.1, long=0.5),
    "crowded-long": Crowd(at_maximum_leverage=0.6, long=0.92, leaving=0.15),
    "3x-cluster": NEAR_THE_LIMITS,
    "dust": Crowd(margin_tao_min=0.11, margin_tao_max=0.4, at_maximum_leverage=0.6),
    "whales": Crowd(margin_tao_min=60.0, margin_tao_max=300.0, at_maximum_leverage=0.3),
    "arbitrageurs": Crowd(at_maximum_leverage=0.3, long=0.5),
}
"""By name. The last has one trader a market besides, who sees the source's price a block early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a population trades: over which prices, from which block on, on what terms."""

    tape: Tape
    start: BlockNumber
    blocks: int
    settings: Settings
    terms: MarketTerms

    @property
    def priced(self) -> list[Netuid]:
        """The markets that have a price at the start.

        Raises:
            TapeError: none has.
        """
        return priced(self.tape, self.start, [m.netuid for m in self.settings.markets])


def minds(name: str, *, scene: Scene, count: int, seed: int) -> list[Mind]:
    """The traders of a preset, or of a CSV file where no preset has that name.

    Raises:
        ReplayInputError: neither; or the file's first fault, with its row (the header is row 1).
    """
    if name not in PRESETS:
        return [Mind(plan=plan) for plan in _read(Path(name), scene)]
    crowd = replace(PRESETS[name], leverage_max=scene.terms.leverage_max)
    listed: Sequence[Netuid] = scene.priced
    if crowd.in_one_market:
        listed = most_shaken_first(scene.tape, scene.start, scene.blocks, listed)
    plans = population(seed=seed, count=count, netuids=listed, blocks=scene.blocks, crowd=crowd)
    found = [Mind(plan=plan) for plan in plans]
    return found + (list(_arbitrageurs(scene)) if name == "arbitrageurs" else [])


def _arbitrageurs(scene: Scene) -> Iterator[Mind]:
    for netuid in scene.priced:
        plan = _plan(netuid, is_long=True, margin=_ARBITRAGEUR_MARGIN, arrives=0)
        plan = replace(plan, leverage=scene.terms.leverage_max)
        yield Arbitrageur(plan=plan, price_at=partial(_price, scene.tape, scene.start, netuid))


def _price(tape: Tape, start: BlockNumber, netuid: Netuid, offset: int) -> Rao | None:
    block = BlockNumber(start + offset)
    if not tape.first_block <= block <= tape.last_block:
        return None
    return tape.row_at(block).prices.get(netuid)


def _plan(netuid: Netuid, *, is_long: bool, margin: Wei, arrives: int) -> TraderPlan:
    """Somebody who stays, awake."""
    return TraderPlan(
        netuid=netuid,
        is_long=is_long,
        margin=margin,
        leverage=ONE,
        arrives=arrives,
        reduces_after=None,
        leaves_after=None,
        withdraws=False,
        comes_back_after=None,
        sleeps=False,
    )


def _read(path: Path, scene: Scene) -> list[TraderPlan]:
    try:
        with path.open(encoding="utf-8", newline="") as text:
            return list(_rows(path.name, csv.reader(text), scene))
    except OSError as error:
        presets = ", ".join(PRESETS)
        reason = error.strerror or str(error)
        raise ReplayInputError(f"{path}: {reason}; no preset either ({presets})") from None
    except (UnicodeDecodeError, csv.Error):
        raise ReplayInputError(f"{path}: is not a CSV file") from None


def _rows(name: str, rows: Iterator[list[str]], scene: Scene) -> Iterator[TraderPlan]:
    if next(rows, []) != _COLUMNS:
        raise ReplayInputError(f"{name}: row 1: columns are not {','.join(_COLUMNS)}")
    seen: dict[tuple[str, str], int] = {}
    for number, cells in enumerate(rows, 2):
        try:
            plan = _parsed(cells, scene)
        except ValueError as error:
            raise ReplayInputError(f"{name}: row {number}: {error}") from None
        again = seen.setdefault((cells[0], str(plan.netuid)), number)
        if again != number:
            what = f"{cells[0]} has a position in market {plan.netuid} already, in row {again}"
            raise ReplayInputError(f"{name}: row {number}: {what}")
        yield plan


def _parsed(cells: Sequence[str], scene: Scene) -> TraderPlan:
    """One row; ValueError with what is wrong with it."""
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"{len(cells)} cells, the header has {len(_COLUMNS)}")
    _, market, side, margin, leverage, time = cells
    if side not in {"long", "short"}:
        raise ValueError(f"side {side!r} is neither long nor short")
    plan = _plan(
        _market(market, scene.settings),
        is_long=side == "long",
        margin=Wei(_amount("margin", margin) // _GWEI * _GWEI),
        arrives=_arrives(time, scene),
    )
    return replace(plan, leverage=_amount("leverage", leverage))


def _market(text: str, settings: Settings) -> Netuid:
    for market in settings.markets:
        if text in {str(market.netuid), market.symbol}:
            return market.netuid
    raise ValueError(f"market {text!r} is not one of the fleet's")


def _amount(name: str, text: str) -> int:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name} {text!r} is not a number") from None
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{name} {text!r} is not above 0")
    return int(value * ONE)


def _arrives(text: str, scene: Scene) -> int:
    """Blocks from the start; what was opened before it is opened at once."""
    try:
        time = seconds_of(text)
    except ValueError:
        raise ValueError(f"time {text!r} is not ISO 8601") from None
    return max((time - scene.tape.time_at(scene.start)) // BLOCK_TIME, 0)
