"""A journal, a key and a chain in memory, for tests of the sender and of whoever uses one."""

from fleet.transactions.testing.chain import SimulatedChain
from fleet.transactions.testing.memory import KEY, Fuse, MemoryJournal, PlainSigner, Silence

__all__ = ["KEY", "Fuse", "MemoryJournal", "PlainSigner", "Silence", "SimulatedChain"]
