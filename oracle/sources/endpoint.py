"""What a source of prices needs of one endpoint, whatever it is reached by."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from oracle.quotes import Reading, SourceHead, Unavailable
from units import BlockNumber


class Source(Protocol):
    """One endpoint; `subtensor.py` implements it."""

    def heads(self) -> AsyncGenerator[SourceHead, None]:
        """Newer and newer finalized heads."""

    async def read(self, block: SourceHead) -> Reading | Unavailable:
        """All markets at exactly this block."""

    async def finalized(self) -> SourceHead | Unavailable:
        """The newest finalized head."""

    async def best(self) -> SourceHead | Unavailable:
        """The newest head, which may still be replaced by another."""

    async def block(self, number: BlockNumber) -> SourceHead | Unavailable:
        """The header of that height on the endpoint's best chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint, what logs and metrics call it, and who runs it."""

    name: str
    operator: str
    source: Source
