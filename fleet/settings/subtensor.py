"""How finalized prices are read from Subtensor. Data only."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from fleet.settings.fields import FromJson, Hash, WebSocketUrl
from fleet.settings.places import Endpoint, Witnesses


class SourceKind(StrEnum):
    """What answers for Subtensor."""

    RPC = "rpc"
    LIGHT = "light"


class SubtensorEndpoint(Endpoint):
    """One Substrate JSON-RPC node of Subtensor, or a light client of this process."""

    kind: SourceKind = SourceKind.RPC
    """rpc: a node is asked, and its word is taken. light: substrate-interface's light client syncs
    with the network in a child process and proves every answer; it needs chain_spec and no url."""

    chain_spec: Path | None = None
    """The chain spec file of a light client (`….json`: raw genesis with code, or a checkpoint)."""

    url: WebSocketUrl | None = None
    """Its ws:// or wss:// address."""

    @property
    def has_no_address(self) -> bool:
        """A light client is part of this process."""
        return self.kind is SourceKind.LIGHT

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        has_address = self.url is not None or self.url_file is not None
        if self.kind is SourceKind.RPC and self.chain_spec is not None:
            raise ValueError('chain_spec is for kind = "light"')
        if self.kind is SourceKind.LIGHT and (has_address or self.chain_spec is None):
            raise ValueError('kind = "light" takes chain_spec and no address')
        return self


class SubtensorSettings(Witnesses):
    """How finalized prices are read from Subtensor."""

    endpoints: Annotated[tuple[SubtensorEndpoint, ...], FromJson, Field(min_length=1)]
    """Nodes to read from; each gets one client that subscribes and one that asks. All are asked for
    every finalized block. Several of one operator stand in for each other and are one witness."""

    agreement: Annotated[int, Field(ge=1)] | None = None
    """Operators that must say the same of a block (its hash and all prices) before a price is
    believed: more than half of those in subtensor.endpoints. Absent = the smallest such number, so
    two operators must both agree, and of three any two. With one operator its word is believed
    ("single-source")."""

    genesis: Hash
    """Hash of block 0; a node of another chain is never believed, and `keepers doctor` names it."""

    ask_timeout_s: Annotated[float, Field(ge=0.5, le=11)] = 4.0
    """Seconds for one request. 4: a node that needs longer cannot serve every block of 12 s."""

    subscribe_timeout_s: Annotated[float, Field(ge=36, le=600)] = 60.0
    """Seconds without a finalized head after which the subscription is thrown away. A timeout
    shorter than the gap between two heads kills it, so at least three block times."""

    straggler_s: Annotated[float, Field(ge=0, le=5)] = 0.5
    """Seconds that the other nodes may still take once enough have agreed, so that what they say
    is on record. 0.5: a twenty-fourth of a block; one that needed longer is not waited for again
    until it was in time."""

    reconnect_s_min: Annotated[float, Field(gt=0)] = 0.5
    """First pause before connecting again after a failure; doubles with jitter."""

    reconnect_s_max: Annotated[float, Field(gt=0)] = 30.0
    """Longest pause between two attempts. 30: two to three blocks."""
