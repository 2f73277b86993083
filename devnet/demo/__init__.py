"""The drill that `make demo` runs: the real fleet against a whole local world, and its verdict."""

from devnet.demo.drill import run
from devnet.demo.options import DemoOptions

__all__ = ["DemoOptions", "run"]
