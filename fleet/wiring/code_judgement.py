"""Whether the contracts are still those that somebody has looked at. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from eth_utils.crypto import keccak

from fleet.store.code_pins import Code
from units import Address, BlockHash


class CodeVerdict(StrEnum):
    """What a comparison came to."""

    ACCEPTED = "accepted"
    FIRST_SEEN = "first seen"
    CHANGED = "changed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """One contract: the code that stands there, and the one that was accepted, if any was."""

    name: str
    address: Address
    found: Code
    accepted: Code | None
    verdict: CodeVerdict

    @property
    def trouble(self) -> str | None:
        """Why nothing may be sent to it; None when something may."""
        if self.verdict is CodeVerdict.ABSENT:
            return f"there is no code at {self.name} {self.address}"
        if self.verdict is CodeVerdict.CHANGED:
            return f"the code of {self.name} {self.address} is another than was accepted"
        return None


def hash_of(code: bytes) -> BlockHash | None:
    """What a contract's code is known by; None where there is none."""
    return BlockHash("0x" + keccak(code).hex()) if code else None


def judged(
    name: str, address: Address, found: Code, accepted: Code | None, pinned: BlockHash | None
) -> CodeFacts:
    """Compares what stands at an address with what was accepted.

    Args:
        name: of the contract, as in the settings.
        address: where it stands.
        found: what stands there now.
        accepted: what the store says was accepted.
        pinned: the hash that the settings name. It says nothing of what a proxy points to: that
            is accepted as it is first seen.
    """
    return CodeFacts(
        name=name,
        address=address,
        found=found,
        accepted=accepted,
        verdict=_verdict(found, accepted, pinned),
    )


def _verdict(found: Code, accepted: Code | None, pinned: BlockHash | None) -> CodeVerdict:
    if found.code_hash is None:
        return CodeVerdict.ABSENT
    if found == accepted:
        return CodeVerdict.ACCEPTED
    is_other_target = accepted is not None and _target(accepted) != _target(found)
    if pinned is not None:
        is_as_pinned = pinned == found.code_hash and not is_other_target
        return CodeVerdict.FIRST_SEEN if is_as_pinned else CodeVerdict.CHANGED
    return CodeVerdict.FIRST_SEEN if accepted is None else CodeVerdict.CHANGED


def _target(code: Code) -> tuple[Address | None, BlockHash | None]:
    return code.implementation, code.implementation_hash
