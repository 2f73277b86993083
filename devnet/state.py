"""What a running devnet tells others: FILE.json, and beside it what the fleet needs.

FILE.json             addresses, URLs and keys, for scripts and tests; whoever sends from a
                      trader's key has that account alone from then on
FILE.network.toml     a complete configuration: `keepers --config FILE.network.toml …`
FILE.keys/            one private key a file, mode 0600

Everything here is of a throw-away chain; the keys are public knowledge.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from devnet.accounts import Account
from devnet.anvil import CHAIN_ID
from devnet.parameters import MARKETS
from devnet.world import World
from fleet.settings import network_file, to_toml

_PRIVATE = 0o600
_SQLITE_SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFiles:
    """Where the files of one devnet lie; all beside FILE.json and named after it."""

    state: Path

    @property
    def network(self) -> Path:
        """The fleet's configuration."""
        return self.state.with_suffix(".network.toml")

    @property
    def keys(self) -> Path:
        """The folder of the private keys."""
        return self.state.with_suffix(".keys")

    @property
    def store(self) -> Path:
        """The fleet's database."""
        return self.state.with_suffix(".sqlite3")

    def key(self, workload: str) -> Path:
        """The file with a workload's private key."""
        return self.keys / f"{workload}.key"

    def forget(self) -> None:
        """Removes what an earlier devnet of this name left: its chain is gone."""
        self.state.unlink(missing_ok=True)
        self.network.unlink(missing_ok=True)
        for suffix in _SQLITE_SUFFIXES:
            self.store.with_name(self.store.name + suffix).unlink(missing_ok=True)
        for book in self.store.parent.glob(f"{self.store.name}.*.book"):
            book.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What the fleet's configuration says besides where the devnet is.

    Attributes:
        is_in_step: whether the fleet takes part in lock-step.
        notify_urls: Apprise addresses for its alerts.
        log_format: of its log lines.
        sections: of the configuration, laid over those of a devnet.
        has_router: whether it is told of the keeper router.
    """

    is_in_step: bool
    notify_urls: tuple[str, ...] = ()
    log_format: str = "auto"
    sections: Mapping[str, Any] = field(default_factory=dict)
    has_router: bool = True


async def write_state(world: World, files: StateFiles, fleet: FleetOptions) -> None:
    """Writes every file; FILE.json last, so that whoever waits for it finds the others."""
    files.state.parent.mkdir(parents=True, exist_ok=True)
    files.keys.mkdir(exist_ok=True)
    for workload, account in {**world.fleet.by_workload, "deployer": world.deployer}.items():
        _write(files.key(workload), account.private_key)
    if fleet.notify_urls:
        _write(_notify_file(files), "\n".join(fleet.notify_urls))
    hashes = await _code_hashes(world)
    _write(files.network, to_toml(_network(world, files, fleet, hashes)))
    _write(files.state, json.dumps(describe(world), indent=2) + "\n")


def describe(world: World) -> dict[str, Any]:
    """FILE.json's content.

    `keeper` may do everything; `keepers` are those of the feeder, the liquidator, the funding
    keeper and the operator, in this order. Of the traders the last to arrive come first: whoever
    joins with the first of them finds them unused.
    """
    deployment = world.deployment
    unused_first = sorted(world.traders.traders, key=lambda trader: -trader.mind.plan.arrives)
    return {
        "chain_id": CHAIN_ID,
        "rpc_url": world.anvil.rpc_url,
        "subtensor_url": world.stand_in.url,
        "exchange": deployment.exchange.address,
        "price_feed": deployment.price_feed.address,
        "keeper_router": deployment.keeper_router.address,
        "deployer": _account(world.deployer),
        "keeper": _account(world.fleet.all),
        "keepers": [
            _account(account)
            for workload, account in world.fleet.by_workload.items()
            if workload != "all"
        ],
        "traders": [_account(trader.account) for trader in unused_first],
    }


def _account(account: Account) -> dict[str, str]:
    return {"address": account.address, "private_key": account.private_key}


def _network(
    world: World, files: StateFiles, fleet: FleetOptions, hashes: Mapping[str, str]
) -> dict[str, Any]:
    """The policies of config/networks/devnet.toml with this devnet's places laid over them."""
    policies = tomllib.loads(network_file("devnet").read_text())
    deployment = world.deployment
    places: dict[str, dict[str, Any]] = {
        "evm": {
            "endpoints": [{"operator": "devnet", "url": world.anvil.rpc_url}],
            "ws_url": world.anvil.ws_url,
        },
        "subtensor": {
            "endpoints": [{"operator": "devnet", "url": world.stand_in.url}],
            "genesis": world.stand_in.genesis,
        },
        "contracts": {
            "exchange": deployment.exchange.address,
            "price_feed": deployment.price_feed.address,
            "keeper_router": deployment.keeper_router.address,
            "code_hashes": dict(hashes),
        },
        "keys": {
            workload: {"private_key_file": _relative(files, files.key(workload))}
            for workload in world.fleet.by_workload
        },
        "store": {"sqlite_file": _relative(files, files.store)},
        "telemetry": _telemetry(files, fleet),
        "lockstep": {"url": world.stand_in.url} if fleet.is_in_step else {},
    }
    if not fleet.has_router:
        del (
            places["contracts"]["keeper_router"],
            places["contracts"]["code_hashes"]["keeper_router"],
        )
    laid_over = {name: policies.get(name, {}) | values for name, values in places.items()}
    complete = policies | laid_over | {"markets": _markets(world)}
    return complete | {
        name: {**complete.get(name, {}), **value} if isinstance(value, Mapping) else value
        for name, value in fleet.sections.items()
    }


def _telemetry(files: StateFiles, fleet: FleetOptions) -> dict[str, Any]:
    found: dict[str, Any] = {"log_format": fleet.log_format}
    if fleet.notify_urls:
        found["notify_urls_file"] = _relative(files, _notify_file(files))
    return found


def _markets(world: World) -> list[dict[str, Any]]:
    """Pinned to what the tape knows now; a subnet that comes later stays unpinned."""
    tape, now = world.options.tape, world.head.head.number
    return [
        {"netuid": netuid, "symbol": symbol, "registered_at": tape.registered_at(netuid, now)}
        for netuid, symbol in MARKETS.items()
    ]


async def _code_hashes(world: World) -> dict[str, str]:
    deployment = world.deployment
    places = {
        "exchange": deployment.exchange,
        "price_feed": deployment.price_feed,
        "keeper_router": deployment.keeper_router,
    }
    return {
        name: "0x"
        + keccak(hexstr=await world.node.call("eth_getCode", one.address, "latest")).hex()
        for name, one in places.items()
    }


def _notify_file(files: StateFiles) -> Path:
    return files.keys / "notify.urls"


def _relative(files: StateFiles, path: Path) -> str:
    """Relative to the configuration, which is how the fleet reads it."""
    return str(path.relative_to(files.network.parent))


def _write(path: Path, text: str) -> None:
    """Never readable by others, and whoever looks sees the old file or the whole new one."""
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
