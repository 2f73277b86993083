"""What an operator may decide, read once at start from a file and the environment.

    settings = load(network_file("mainnet"))

Knows no room that uses it: wiring turns sections into the rooms' policies.
"""

from fleet.settings.fields import checksummed
from fleet.settings.loading import load, network_file, network_files
from fleet.settings.markets import ExchangeSettings, MarketSettings
from fleet.settings.network import (
    CodeHashes,
    ContractsSettings,
    EvmEndpoint,
    EvmSettings,
    NetworkKind,
    NetworkSettings,
)
from fleet.settings.pinning import repinned
from fleet.settings.places import Endpoint, Witnesses
from fleet.settings.policies import (
    FundingSettings,
    LiquidationSettings,
    OracleSettings,
    WarningsSettings,
)
from fleet.settings.problems import Problem, SettingsError
from fleet.settings.process import (
    KeySettings,
    KeysSettings,
    LockstepSettings,
    RuntimeSettings,
    StoreSettings,
    TelemetrySettings,
    Workload,
)
from fleet.settings.settings import Settings
from fleet.settings.subtensor import SubtensorEndpoint, SubtensorSettings
from fleet.settings.toml import to_toml
from fleet.settings.transactions import SpendSettings, TransactionSettings

__all__ = [
    "CodeHashes",
    "ContractsSettings",
    "Endpoint",
    "EvmEndpoint",
    "EvmSettings",
    "ExchangeSettings",
    "FundingSettings",
    "KeySettings",
    "KeysSettings",
    "LiquidationSettings",
    "LockstepSettings",
    "MarketSettings",
    "NetworkKind",
    "NetworkSettings",
    "OracleSettings",
    "Problem",
    "RuntimeSettings",
    "Settings",
    "SettingsError",
    "SpendSettings",
    "StoreSettings",
    "SubtensorEndpoint",
    "SubtensorSettings",
    "TelemetrySettings",
    "TransactionSettings",
    "WarningsSettings",
    "Witnesses",
    "Workload",
    "checksummed",
    "load",
    "network_file",
    "network_files",
    "repinned",
    "to_toml",
]
