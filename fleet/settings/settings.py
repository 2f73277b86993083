"""All settings of one process as one frozen value.

Knows neither where they came from nor who uses them.
"""

from typing import Annotated

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from fleet.settings.fields import FromJson
from fleet.settings.markets import ExchangeSettings, MarketSettings
from fleet.settings.network import (
    ContractsSettings,
    EvmSettings,
    NetworkSettings,
)
from fleet.settings.policies import (
    FundingSettings,
    LiquidationSettings,
    OracleSettings,
    WarningsSettings,
)
from fleet.settings.process import (
    KeysSettings,
    LockstepSettings,
    RuntimeSettings,
    StoreSettings,
    TelemetrySettings,
)
from fleet.settings.subtensor import SubtensorSettings
from fleet.settings.transactions import TransactionSettings
from units import Netuid

ENVIRONMENT_PREFIX = "KEEPERS_"
ENVIRONMENT_DELIMITER = "__"


class Settings(BaseSettings):
    """What an operator has decided. Read with `fleet.settings.load`, never built by hand."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=ENVIRONMENT_DELIMITER,
        enable_decoding=False,
    )

    network: NetworkSettings
    """What the network is called and how to recognise it."""

    evm: EvmSettings
    """How the EVM chain is read and written."""

    subtensor: SubtensorSettings
    """How finalized prices are read from Subtensor."""

    contracts: ContractsSettings
    """Where the exchange stands."""

    markets: Annotated[tuple[MarketSettings, ...], FromJson, Field(min_length=1)]
    """The markets that the fleet serves."""

    exchange: ExchangeSettings = ExchangeSettings()
    """What the exchange's admin has set, to find contradictions before the start."""

    oracle: OracleSettings = OracleSettings()
    """When a price is published, held or withdrawn."""

    liquidation: LiquidationSettings = LiquidationSettings()
    """Which positions are taken, and how many in one transaction."""

    funding: FundingSettings = FundingSettings()
    """When funding is accrued."""

    warnings: WarningsSettings = WarningsSettings()
    """Which margin ratios raise which alert."""

    transactions: TransactionSettings = TransactionSettings()
    """How transactions are priced, resent and given up."""

    keys: KeysSettings = KeysSettings()
    """One key a workload; without one its commands are dry runs."""

    store: StoreSettings = StoreSettings()
    """Where journal, decisions, warning states and the outbox are kept, and for how long."""

    telemetry: TelemetrySettings = TelemetrySettings()
    """What the process tells the world."""

    runtime: RuntimeSettings = RuntimeSettings()
    """How the bots are kept alive and stopped."""

    lockstep: LockstepSettings = LockstepSettings()
    """Running in step with a devnet."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the constructor is given: `load` has merged file and environment."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def enabled_markets(self) -> tuple[MarketSettings, ...]:
        """The markets to serve, in the file's order."""
        return tuple(market for market in self.markets if market.enabled)

    def oracle_of(self, market: MarketSettings) -> OracleSettings:
        """How this market's price is published and held: its own settings, else the common ones."""
        own = {name: getattr(market, name, None) for name in OracleSettings.model_fields}
        update = {name: value for name, value in own.items() if value is not None}
        return self.oracle.model_copy(update=update)

    def symbol(self, netuid: Netuid) -> str:
        """What people call a market; `SN<netuid>` where the settings do not name it."""
        names = (market.symbol for market in self.markets if market.netuid == netuid)
        return next(names, f"SN{netuid}")

    @property
    def store_address(self) -> str:
        """The database's SQLAlchemy address; not to be logged. Raises SettingsError."""
        return self.store.address(self.network.name)
