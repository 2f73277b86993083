"""Refuses to run with a key that may not do its work, or against an address without code.

What can't be read is asked again: a node that is down comes back, a missing role does not.
"""

from typing import Protocol

import structlog

from fleet.runtime.clock import Clock
from fleet.runtime.refusal import StartRefusedError
from fleet.runtime.service import Service
from fleet.settings import Workload
from fleet.wiring.facts import ContractFacts, RoleFacts, Unread
from units import Address

_log = structlog.stdlib.get_logger("fleet")


class Inspects(Protocol):
    """Reads what a key may do; `fleet.wiring.inspection.WorldInspector` is one."""

    async def contracts(self) -> tuple[ContractFacts, ...] | Unread:
        """The exchange's contracts."""

    async def roles_of(
        self, workload: Workload, account: Address
    ) -> tuple[RoleFacts, ...] | Unread:
        """Every role that this key, or the router for it, needs."""


LOOK_S = 2.0
"""Pause after what could not be read."""


def services(
    inspector: Inspects, workload: Workload | None, account: Address | None, clock: Clock
) -> tuple[Service, ...]:
    """None without a key: then nothing is sent."""
    if workload is None or account is None:
        return ()
    return (admitting(inspector, workload, account, clock),)


def admitting(inspector: Inspects, workload: Workload, account: Address, clock: Clock) -> Service:
    """A service that ends when all is as it must be.

    It raises StartRefusedError, with the call that the admin must sign, when it is not.
    """

    async def check() -> None:
        is_told = False
        while (why := await _unread(inspector, workload, account)) is not None:
            if not is_told:
                _log.warning("roles_unread", reason=why)
                is_told = True
            await clock.sleep(LOOK_S)

    return check


async def _unread(inspector: Inspects, workload: Workload, account: Address) -> str | None:
    """Why it is not known yet; None when all is well."""
    contracts = await inspector.contracts()
    if isinstance(contracts, Unread):
        return contracts.reason
    for contract in contracts:
        if contract.code_hash is None:
            raise StartRefusedError(
                f"no code at {contract.address}: correct contracts.{contract.name}"
            )
    roles = await inspector.roles_of(workload, account)
    if isinstance(roles, Unread):
        return roles.reason
    missing = [role for role in roles if not role.is_granted]
    if missing:
        raise StartRefusedError("; ".join(_told(role) for role in missing))
    return None


def _told(role: RoleFacts) -> str:
    return (
        f"{role.needed_for} has no {role.role} of {role.contract}: the admin signs"
        f" {role.grant.text}, to {role.grant.to} data 0x{role.grant.data.hex()}"
    )
