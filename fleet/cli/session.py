"""What every command shares: which configuration, how the fleet is built, what its end means."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fleet.cli.exits import Exit, WrongInputError, reported
from fleet.cli.output import messages
from fleet.cli.ports import Assemble, Assembly
from fleet.settings import Settings, Workload, load, network_file


class LogFormat(StrEnum):
    """As telemetry.log_format."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout; integers are exact.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Act without asking.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan and do nothing.")]
WaitOption = Annotated[
    float,
    typer.Option("--wait", min=0, help="Seconds to wait for the outcome of what was sent."),
]


def _assemble(
    settings: Settings, workload: Workload | None
) -> AbstractAsyncContextManager[Assembly]:
    from fleet.wiring.opening import assemble  # noqa: PLC0415 - imports that --help can spare

    built: AbstractAsyncContextManager[Assembly] = assemble(settings, workload=workload)
    return built


@dataclass(kw_only=True)
class Session:
    """The options before the command's name, and the way to a running fleet."""

    network: str | None = None
    config: Path | None = None
    log_format: str | None = None
    is_json: bool = False
    break_glass: Path | None = None
    shard: str | None = None
    assemble: Assemble = _assemble

    def settings(self) -> Settings:
        """What the operator decided.

        Raises:
            SettingsError: with everything that is wrong.
            WrongInputError: no configuration is named, or two are.
        """
        if (self.network is None) == (self.config is None):
            raise WrongInputError("name one configuration: --network NAME or --config FILE")
        file = self.config if self.config is not None else network_file(self.network or "")
        settings = load(file)
        if self.break_glass is not None:
            own = {"sqlite_file": self.break_glass, "url_file": None}
            store = settings.store.model_copy(update=own)
            settings = settings.model_copy(update={"store": store})
        if self.shard is not None:
            liquidation = settings.liquidation.model_copy(update={"shard": self.shard})
            settings = settings.model_copy(update={"liquidation": liquidation})
        if self.log_format is None:
            return settings
        telemetry = settings.telemetry.model_copy(update={"log_format": self.log_format})
        return settings.model_copy(update={"telemetry": telemetry})

    def run(
        self, workload: Workload | None, work: Callable[[Assembly], Coroutine[Any, Any, Exit]]
    ) -> None:
        """Builds the fleet with that workload's key, works, and ends with the exit code.

        With the glass broken the operator's key is the standby key, since the journal of the
        other is out of reach.
        """

        async def _work() -> Exit:
            settings = self.settings()
            async with self.assemble(settings, self._whose(workload, settings)) as fleet:
                return await work(fleet)

        with reported(messages(), is_json=self.is_json):
            code = asyncio.run(_work())
        raise typer.Exit(code)

    def _whose(self, workload: Workload | None, settings: Settings) -> Workload | None:
        if self.break_glass is None or workload is not Workload.OPERATOR:
            return workload
        if settings.keys.standby is None:
            raise WrongInputError("--break-glass needs a key of its own: keys.standby")
        return Workload.STANDBY


def session_of(context: typer.Context) -> Session:
    """The session that the callback left, for the form in which this command is to answer."""
    session = context.find_object(Session)
    assert session is not None, "the callback made one"
    session.is_json = bool(context.params.get("json"))
    return session
