"""What comes back when a keeper hands work over to be sent: on its way, or why not.

Pure values shared by the keepers. Knows nothing of nonces, fees, signatures or nodes.
"""

from dataclasses import dataclass

from units import TxHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """It is journaled and a node accepted it; its outcome arrives with a later block."""

    tx_hash: TxHash


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Nothing was sent; `reason` is one line for an operator."""

    reason: str


Submission = Sent | NotSent
