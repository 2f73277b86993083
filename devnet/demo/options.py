"""What a demo is to show."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from devnet.demo.cast import WHOLE, Cast
from devnet.parameters import Beta
from devnet.population import Crowd
from devnet.world import Watcher, World


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """A drill of the whole fleet over a stretch of prices.

    Attributes:
        out: folder of summary.json, fleet.log and the devnet's files.
        tape: a recorded price tape; None makes one up.
        start: ISO 8601 time on the tape to begin at; None = its start.
        hours: hours of chain time.
        traders: how many simulated traders.
        seed: of the traders and of a made-up tape.
        crowd: how the traders are made up.
        beta: what the exchange's admin has decided.
        cast: which part of the fleet plays.
        bystander: makes one more who looks at every block before anybody acts on it.
    """

    out: Path = Path("build/demo")
    tape: Path | None = None
    start: str | None = None
    hours: int = 24
    traders: int = 300
    seed: int = 1
    crowd: Crowd = field(default_factory=Crowd)
    beta: Beta = field(default_factory=Beta)
    cast: Cast = WHOLE
    bystander: Callable[[World], Watcher] | None = None

    @property
    def state(self) -> Path:
        """The devnet's state file."""
        return self.out / "devnet.json"

    @property
    def log(self) -> Path:
        """Everything that the fleet said."""
        return self.out / "fleet.log"

    @property
    def summary(self) -> Path:
        """What came of it."""
        return self.out / "summary.json"
