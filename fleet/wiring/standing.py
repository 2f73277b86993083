"""What a process says of itself beside its bots: whether it leads, and what its store does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from fleet.chain.failures import ChainError
from fleet.runtime.clock import Clock
from fleet.runtime.service import Service
from fleet.store.engine import Database, StoreError
from fleet.store.size import read_size
from fleet.telemetry.instruments import UNKNOWN
from fleet.telemetry.store_metrics import StoreMetrics
from fleet.wiring.tenure import Tenure

MEASURED_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One process, for people and tools. `tenure` is None for one that sends and tells nothing."""

    version: str
    network: str
    account: str | None
    tenure: Tenure | None

    def __call__(self) -> Mapping[str, object]:
        """As JSON has it."""
        known = {"version": self.version, "network": self.network, "account": self.account}
        tenure = self.tenure
        if tenure is None:
            return known | {"role": "onlooker"}
        return known | {
            "role": tenure.role.value,
            "workloads": [claim.name for claim in tenure.claims],
            "epochs": tenure.epochs,
            "may_decide": tenure.is_open,
            "store_silent_s": round(tenure.silent_s, 1) if tenure.is_leading else None,
        }


def measuring(
    opened: Callable[[], Awaitable[Database]], metrics: StoreMetrics, clock: Clock
) -> Service:
    """A service that shows how large the store is; unknown while it does not answer."""

    async def measure() -> None:
        while True:
            metrics.size(await _size(opened))
            await clock.sleep(MEASURED_S)

    return measure


async def _size(opened: Callable[[], Awaitable[Database]]) -> float:
    try:
        return await read_size(await opened())
    except (ChainError, StoreError, SQLAlchemyError):
        return UNKNOWN
