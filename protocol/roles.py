"""Who may do what on the exchange, and the call by which its admin grants it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from eth_utils.crypto import keccak

from protocol.abi import selector
from protocol.deployment import Deployment
from protocol.words import arguments, uint
from units import Address

RoleName = Literal["REPORTER_ROLE", "KEEPER_ROLE"]
Holder = Literal["PriceFeed", "Exchange"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role of one contract, wanted for one account."""

    name: RoleName
    contract: Holder
    at: Address
    account: Address

    @property
    def question(self) -> bytes:
        """The call of `hasRole`."""
        return selector(self.contract, "hasRole") + self._arguments()

    @property
    def grant(self) -> bytes:
        """The call of `grantRole`, for the admin to sign."""
        return selector(self.contract, "grantRole") + self._arguments()

    @property
    def grant_text(self) -> str:
        """The same for a person to read."""
        return f"{self.contract}.grantRole({self.name}, {self.account})"

    def _arguments(self) -> bytes:
        return arguments(keccak(text=self.name), uint(int(self.account, 16)))


def reporter(deployment: Deployment, account: Address) -> Role:
    """May push and suspend prices."""
    return Role(
        name="REPORTER_ROLE", contract="PriceFeed", at=deployment.price_feed, account=account
    )


def keeper(deployment: Deployment, account: Address) -> Role:
    """May liquidate and accrue."""
    return Role(name="KEEPER_ROLE", contract="Exchange", at=deployment.exchange, account=account)


def of_router(deployment: Deployment) -> Iterator[Role]:
    """What the router needs to act for its callers."""
    if deployment.keeper_router is not None:
        yield reporter(deployment, deployment.keeper_router)
        yield keeper(deployment, deployment.keeper_router)
