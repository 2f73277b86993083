"""What the operator and the exchange's admin have set, from a file and from `key=value` words.

`oracle.deviation_bps=20` is a setting of the fleet; `market.leverage_max=2` a parameter of the
exchange's markets, `vault.reserves=8000` one of its vault, in TAO or times where it is an amount or
a leverage.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from devnet.parameters import MARKETS, Beta, MarketTerms, VaultLimits
from devnet.tape import Tape
from fleet.settings import Settings, load, network_file
from units import ONE, BlockNumber, Netuid, Wei

FLEET_SECTIONS = ("oracle", "liquidation", "funding", "warnings", "transactions")
"""What decides; where nodes, keys and stores are is no part of a replay."""

_TIMES_ONE = frozenset(
    {"leverage_max", "notional_min", "deposit_cap_global", "deposit_cap_account"}
)
_NOWHERE: Mapping[str, Any] = {
    "evm": {"endpoints": [{"operator": "replay", "url": "http://127.0.0.1:1"}]},
    "subtensor": {
        "endpoints": [{"operator": "replay", "url": "ws://127.0.0.1:1"}],
        "genesis": "0x" + "00" * 32,
    },
    "contracts": {
        "exchange": "0x" + "00" * 19 + "01",
        "price_feed": "0x" + "00" * 19 + "02",
        "keeper_router": "0x" + "00" * 19 + "03",
    },
}


class ReplayInputError(Exception):
    """What a replay was given can't be; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The fleet's settings, the sections of them that were given, and the exchange's parameters."""

    settings: Settings
    sections: Mapping[str, Any]
    beta: Beta


def configured(
    file: Path | None, words: Sequence[str], tape: Tape, start: BlockNumber
) -> Configuration:
    """Everything that is set, with markets pinned to what the tape knows at block `start`.

    Args:
        file: the fleet's configuration; None = that of a devnet, with its twelve markets.
        words: `key=value` each; the later of two wins.
        tape: the prices.
        start: where the run begins.

    Raises:
        ReplayInputError: a word is no `key=value`, a key is none, a value is none for it.
        SettingsError: the settings contradict each other or are out of range.
    """
    given = dict(map(_split, words))
    beta = _beta({key: value for key, value in given.items() if _section(key) in _EXCHANGE})
    chosen = _nested({key: v for key, v in given.items() if _section(key) not in _EXCHANGE})
    over = {**chosen, "exchange": {**_mirrored(beta), **chosen.get("exchange", {})}}
    base = load(file) if file is not None else None
    over["markets"] = _markets(base, tape, start)
    if base is None:
        settings = load(network_file("devnet"), {**_NOWHERE, **over})
    else:
        assert file is not None, "it was loaded"
        settings = load(file, over)
    return Configuration(settings=settings, sections=_sections(settings), beta=beta)


def _sections(settings: Settings) -> Mapping[str, Any]:
    """What a devnet's fleet must be told to decide alike."""
    named = {name: getattr(settings, name) for name in (*FLEET_SECTIONS, "exchange")}
    found = {name: each.model_dump(mode="json", exclude_none=True) for name, each in named.items()}
    markets = [each.model_dump(mode="json", exclude_none=True) for each in settings.markets]
    return {**found, "markets": markets}


def _markets(base: Settings | None, tape: Tape, start: BlockNumber) -> list[dict[str, Any]]:
    """Those of the file, or a devnet's, pinned to the subnets that the tape has."""
    if base is None:
        known: Iterable[dict[str, Any]] = (
            {"netuid": netuid, "symbol": symbol} for netuid, symbol in MARKETS.items()
        )
    else:
        known = (m.model_dump(mode="json", exclude_none=True) for m in base.enabled_markets)
    found = [_pinned(market, tape, start) for market in known]
    missing = [str(market["netuid"]) for market in found if market["netuid"] not in tape.netuids]
    if missing:
        raise ReplayInputError(f"{tape.name}: has no prices of market {', '.join(missing)}")
    return found


def _pinned(market: dict[str, Any], tape: Tape, start: BlockNumber) -> dict[str, Any]:
    born = tape.registered_at(Netuid(market["netuid"]), start)
    rest = {key: value for key, value in market.items() if key != "registered_at"}
    return rest if born is None else {**rest, "registered_at": born}


def _split(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals or "." not in key or not value:
        raise ReplayInputError(f"{word!r} is not section.key=value")
    if _section(key) not in (*FLEET_SECTIONS, "exchange", *_EXCHANGE):
        known = ", ".join((*FLEET_SECTIONS, *_EXCHANGE))
        raise ReplayInputError(f"{key}: not a section of a replay ({known})")
    return key, value


def _section(key: str) -> str:
    return key.partition(".")[0]


def _nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """`a.b.c=1` as sections in sections."""
    found: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        section = found
        for name in path:
            section = section.setdefault(name, {})
            if not isinstance(section, dict):
                raise ReplayInputError(f"{key}: {name} is a value already")
        section[last] = value
    return found


_EXCHANGE = ("market", "vault")


def _beta(given: Mapping[str, str]) -> Beta:
    market: dict[str, int] = {}
    limits: dict[str, int] = {}
    beta = Beta()
    for key, value in given.items():
        section, _, name = key.partition(".")
        if section == "market" and name in _names(MarketTerms):
            market[name] = _number(key, value, is_times_one=name in _TIMES_ONE)
        elif section == "vault" and name in _names(VaultLimits):
            limits[name] = _number(key, value, is_times_one=name in _TIMES_ONE)
        elif section == "vault" and name in {"reserves", "insurance"}:
            amount = Wei(_number(key, value, is_times_one=True))
            beta = _funded(beta, amount, is_reserves=name == "reserves")
        else:
            raise ReplayInputError(f"{key}: the exchange has no such parameter")
    return replace(beta, market=MarketTerms(**market), limits=VaultLimits(**limits))


def _funded(beta: Beta, amount: Wei, *, is_reserves: bool) -> Beta:
    return replace(beta, reserves=amount) if is_reserves else replace(beta, insurance=amount)


def _names(kind: type[MarketTerms] | type[VaultLimits]) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))


def _number(key: str, text: str, *, is_times_one: bool) -> int:
    try:
        value = Decimal(text) * (ONE if is_times_one else 1)
    except InvalidOperation:
        raise ReplayInputError(f"{key}: {text!r} is not a number") from None
    if not value.is_finite() or value < 0 or value != int(value):
        raise ReplayInputError(f"{key}: {text!r} is not a whole number without sign")
    return int(value)


def _mirrored(beta: Beta) -> dict[str, int]:
    """What the fleet's settings repeat of the exchange's, so that contradictions are found."""
    market = beta.market
    return {
        "trading_price_age_s_max": market.trading_age_s_max,
        "open_fee_bps": market.open_fee_bps,
        "close_fee_bps": market.close_fee_bps,
        "maintenance_bps": market.maintenance_bps,
        "funding_interval_s": market.funding_interval_s,
    }
