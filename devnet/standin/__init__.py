"""A Subtensor node's stand-in: speaks the real Substrate JSON-RPC and replays a price tape."""

from devnet.standin.lockstep import LateParticipantError, LockStep, Participant, ParticipantKind
from devnet.standin.runtime import RuntimeProfile
from devnet.standin.server import Faults, SubtensorStandIn
from devnet.standin.state import MarketOverride

__all__ = [
    "Faults",
    "LateParticipantError",
    "LockStep",
    "MarketOverride",
    "Participant",
    "ParticipantKind",
    "RuntimeProfile",
    "SubtensorStandIn",
]
