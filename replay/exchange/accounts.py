"""Free balances: what traders put in, take out, and are owed by the vault."""

from replay.exchange.refusals import Reason, Refusal
from replay.exchange.state import Exchange
from units import Wei

_GWEI = 10**9


def deposit(exchange: Exchange, trader: bytes, amount: int) -> Refusal | None:
    """Puts `amount` in."""
    refused = refused_deposit(exchange, trader, amount)
    if refused is None:
        exchange.credit(trader, amount)
    return refused


def refused_deposit(exchange: Exchange, trader: bytes, amount: int) -> Refusal | None:
    """Why a deposit would be refused."""
    account, limits = exchange.accounts[trader], exchange.limits
    if amount % _GWEI:
        return Refusal(Reason.NOT_WHOLE_GWEI)
    own, every = account.free + account.margin, exchange.free + exchange.margins
    if own + amount > limits.deposit_cap_account or every + amount > limits.deposit_cap_global:
        return Refusal(Reason.DEPOSIT_CAP)
    return None


def withdraw(exchange: Exchange, trader: bytes, amount: int) -> Refusal | None:
    """Takes `amount` out of the free balance."""
    refused = refused_withdrawal(exchange, trader, amount)
    if refused is None:
        exchange.credit(trader, -amount)
    return refused


def refused_withdrawal(exchange: Exchange, trader: bytes, amount: int) -> Refusal | None:
    """Why a withdrawal would be refused."""
    if amount % _GWEI:
        return Refusal(Reason.NOT_WHOLE_GWEI)
    if amount > exchange.accounts[trader].free:
        return Refusal(Reason.BALANCE)
    return None


def claim(exchange: Exchange, trader: bytes) -> Wei:
    """Moves the funded part of a trader's claims into its free balance."""
    paid = exchange.vault.redeem(trader)
    exchange.credit(trader, paid)
    return paid
