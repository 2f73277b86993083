"""Arguments as people type them, read or refused in one line."""

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from fleet.cli.exits import WrongInputError
from fleet.settings import MarketSettings, Settings, checksummed
from units import Address, Netuid, PositionId, TxHash

Markets = Annotated[
    list[str] | None, typer.Argument(metavar="[MARKET]...", help="Symbols or netuids; all if none.")
]
"""Some markets, or all."""

NamedMarkets = Annotated[list[str], typer.Argument(metavar="MARKET...", help="Symbols or netuids.")]
"""At least one market."""

_POSITION_ID = re.compile(r"0x[0-9a-fA-F]{32}")
_TRANSACTION = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def markets(settings: Settings, names: Sequence[str]) -> tuple[Netuid, ...]:
    """Markets by symbol or netuid, in the settings' order; all enabled ones when none is named.

    Raises:
        WrongInputError: one is unknown or not enabled.
    """
    chosen = {market(settings, name) for name in names}
    return tuple(
        each.netuid for each in settings.enabled_markets if each.netuid in chosen or not names
    )


def market(settings: Settings, name: str) -> Netuid:
    """One enabled market by symbol, in any case, or netuid.

    Raises:
        WrongInputError: it is unknown or not enabled.
    """
    for each in settings.markets:
        if name.upper() == each.symbol or name == str(each.netuid):
            if not each.enabled:
                raise WrongInputError(f"market {_named(each)} is not enabled in the configuration")
            return each.netuid
    known = ", ".join(_named(each) for each in settings.enabled_markets)
    raise WrongInputError(f"unknown market {name!r}; known: {known}")


def _named(each: MarketSettings) -> str:
    return f"{each.symbol} ({each.netuid})"


def _checked(text: str) -> Address:
    try:
        return checksummed(text)
    except ValueError as error:
        raise WrongInputError(f"trader {text}: {error}") from None


def position_or_trader(text: str) -> PositionId | str:
    """A position id (0x and 32 digits) or a trader's address (0x and 40 digits, lower case).

    Raises:
        WrongInputError: it is neither, or its capitals say that a digit of it is wrong.
    """
    if _POSITION_ID.fullmatch(text):
        return PositionId(bytes.fromhex(text[2:]))
    if _ADDRESS.fullmatch(text):
        return _checked(text).lower()
    raise WrongInputError(
        f"{text!r} is neither a position (0x and 32 hexadecimal digits)"
        " nor a trader (0x and 40 hexadecimal digits)"
    )


def position_or_transaction(text: str) -> PositionId | TxHash:
    """A position id (0x and 32 digits) or a transaction's hash (0x and 64 digits).

    Raises:
        WrongInputError: it is neither.
    """
    if _POSITION_ID.fullmatch(text):
        return PositionId(bytes.fromhex(text[2:]))
    if _TRANSACTION.fullmatch(text):
        return TxHash(text.lower())
    raise WrongInputError(
        f"{text!r} is neither a position (0x and 32 hexadecimal digits)"
        " nor a transaction (0x and 64 hexadecimal digits)"
    )
