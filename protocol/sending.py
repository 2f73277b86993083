"""Turns decisions into transaction requests, and hands them to the sender.

Implements the acting ports of the oracle and the keepers. Knows calls, gas and what work is the
same work; not nonces, fees or keys.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, assert_never

from fleet.transactions.request import (
    AlreadyInFlight,
    Lane,
    Refused,
    Submission,
    Submitted,
    TransactionRequest,
)
from keepers import submission
from keepers.liquidation.evidence import Judgement
from keepers.liquidation.gas import GasModel
from keepers.liquidation.selection import LiquidationBatch
from oracle import ports as oracle
from oracle.feed import SuspensionReason, Update
from oracle.plan import Publication
from protocol import calls
from protocol.deployment import Deployment
from protocol.grounds import record_of
from units import Address, BlockNumber, Head, Netuid, PositionId, Wei


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingPolicy:
    """Limits of what is sent.

    push_age_blocks_max: the feed skips an update older than this, so a push ends then.
    work_blocks: for how many blocks after its decision other work still makes sense.
    ids_max: the router's own limit of ids in one transaction.
    gas_limit_max: the largest gas limit of one transaction.
    """

    gas: GasModel
    push_age_blocks_max: int = 25
    work_blocks: int = 10
    ids_max: int = 300
    gas_limit_max: int = 20_000_000


class Sender(Protocol):
    """Whoever signs and sends; `fleet.transactions.sender.Sender` is one."""

    async def submit(self, request: TransactionRequest) -> Submission:
        """Journal, sign and broadcast, without waiting for a receipt."""
        ...

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        """Which of these a request that is in no block works on already."""
        ...

    async def gas_price(self) -> Wei | Refused:
        """What a unit of gas costs now in a transaction that gets into the next block."""
        ...


class DryRun:
    """The sender of a process without a key: nothing is sent, so nothing is in flight."""

    async def submit(self, request: TransactionRequest) -> Submission:
        """Refuses."""
        del request
        return Refused(reason="no key is configured: dry run")

    def busy(self, subjects: Iterable[str]) -> frozenset[str]:
        """None of them."""
        del subjects
        return frozenset()

    async def gas_price(self) -> Wei | Refused:
        """Refuses: nothing is bought."""
        return Refused(reason="no key is configured: dry run")


class ExchangeWriter:
    """The exchange as the fleet's bots act on it."""

    def __init__(
        self,
        *,
        sender: Sender,
        deployment: Deployment,
        beneficiary: Address,
        policy: SendingPolicy,
    ) -> None:
        self._sender = sender
        self._deployment = deployment
        self._beneficiary = beneficiary
        self._policy = policy

    async def publish(self, publication: Publication) -> Submission:
        """One push, with the liquidations it causes; what does not fit follows by itself.

        Each further transaction carries the same updates, so it stands alone in any order. The
        answer is the first one's: it carries the price. A position that a transaction in flight
        works on is left to that one.
        """
        has_router = self._deployment.keeper_router is not None
        parts = parts_of(publication, self._policy, has_router=has_router)
        first = await self._push(publication, parts[0])
        if isinstance(first, Submitted):
            for ids in filter(self._free, parts[1:]):
                await self._push(publication, ids)
        return first

    async def push_cost(self) -> Wei | Refused:
        """What the push of one price costs at the present fee."""
        price = await self._sender.gas_price()
        if isinstance(price, Refused):
            return price
        return Wei(price * self._policy.gas.need(ids=0, updates=1))

    async def suspend(
        self, netuids: Sequence[Netuid], reason: SuspensionReason, head: Head
    ) -> Submission:
        """Say on chain that these prices are not known.

        It stands as long as any push sent before it may: given up sooner, such a push would land
        without the suspension behind it.
        """
        names = ",".join(str(n) for n in netuids)
        return await self._sender.submit(
            TransactionRequest(
                to=self._deployment.price_feed,
                data=calls.suspend(netuids, reason),
                gas_limit=self._policy.gas.limit(ids=0, updates=len(netuids)),
                lane=Lane.PRICE,
                idempotency_key=f"suspend:{reason.name}:{names}:{head.number}",
                valid_until=BlockNumber(head.number + self._policy.push_age_blocks_max),
                purpose=f"suspend markets {names}: {reason.name.lower()}",
                decided_at=head.number,
            )
        )

    async def resume(self, netuids: Sequence[Netuid], head: Head) -> Submission:
        """End suspensions without a new price; locked ones are the admin's."""
        names = ",".join(str(n) for n in netuids)
        return await self._sender.submit(
            TransactionRequest(
                to=self._deployment.price_feed,
                data=calls.resume(netuids),
                gas_limit=self._policy.gas.limit(ids=0, updates=len(netuids)),
                lane=Lane.PRICE,
                idempotency_key=f"resume:{names}:{head.number}",
                valid_until=self._work_ends(head),
                purpose=f"resume markets {names}",
                decided_at=head.number,
            )
        )

    async def liquidate(self, batch: LiquidationBatch, judgement: Judgement) -> Submission:
        """One batch, without a price; positions that are in flight already are left out of it."""
        ids = self._free(batch.ids)
        if not ids:
            return Refused(reason="all of its positions are in flight")
        return await self._sender.submit(
            TransactionRequest(
                to=self._deployment.exchange,
                data=calls.liquidate(ids, self._beneficiary),
                gas_limit=self._gas_limit(batch, ids),
                lane=Lane.LIQUIDATION,
                idempotency_key=liquidation_key(batch),
                valid_until=self._work_ends(batch.head),
                purpose=f"liquidate {len(ids)} positions decided at {batch.head.number}",
                decided_at=batch.head.number,
                subjects=_subjects(ids),
                record=record_of(judgement, ids),
            )
        )

    async def accrue(self, netuids: Sequence[Netuid], due_key: str, head: Head) -> Submission:
        """Accrue these markets; `due_key` names the work."""
        return await self._sender.submit(
            TransactionRequest(
                to=self._deployment.exchange,
                data=calls.accrue_funding(netuids),
                gas_limit=self._policy.gas.limit(ids=0, updates=len(netuids)),
                lane=Lane.FUNDING,
                idempotency_key=due_key,
                valid_until=self._work_ends(head),
                purpose=f"accrue funding of {len(netuids)} markets",
                decided_at=head.number,
            )
        )

    def _work_ends(self, head: Head) -> BlockNumber:
        return BlockNumber(head.number + self._policy.work_blocks)

    async def _push(self, publication: Publication, ids: tuple[PositionId, ...]) -> Submission:
        """Without the positions that somebody works on; when one was taken meanwhile, alone."""
        said = await self._sender.submit(self._push_request(publication, self._free(ids)))
        if isinstance(said, Refused) and said.busy:
            return await self._sender.submit(self._push_request(publication, ()))
        return said

    def _gas_limit(self, batch: LiquidationBatch, ids: tuple[PositionId, ...]) -> int:
        is_whole = len(ids) == len(batch.ids)
        return batch.gas_limit if is_whole else self._policy.gas.limit(ids=len(ids))

    def _free(self, ids: tuple[PositionId, ...]) -> tuple[PositionId, ...]:
        busy = self._sender.busy(_subjects(ids))
        return tuple(each for each in ids if _subject(each) not in busy)

    def _push_request(
        self, publication: Publication, ids: tuple[PositionId, ...]
    ) -> TransactionRequest:
        updates, router = publication.updates, self._deployment.keeper_router
        together = f" and liquidate {len(ids)} positions" if ids else ""
        if ids and router is not None:
            to, data = router, calls.push_and_liquidate(updates, ids)
        else:
            to, data = self._deployment.price_feed, calls.push(updates)
        return TransactionRequest(
            to=to,
            data=data,
            gas_limit=self._policy.gas.limit(ids=len(ids), updates=len(updates)),
            lane=Lane.PRICE,
            idempotency_key=f"push:{_newest(updates)}:{_digest([data])}",
            valid_until=BlockNumber(_newest(updates) + self._policy.push_age_blocks_max),
            purpose=f"push {len(updates)} prices of block {_newest(updates)}{together}",
            decided_at=publication.head.number,
            subjects=_subjects(ids),
            record=record_of(publication.falling, ids, updates),
        )


def parts_of(
    publication: Publication, policy: SendingPolicy, *, has_router: bool
) -> Sequence[tuple[PositionId, ...]]:
    """The ids of each transaction; one without ids when nobody falls or not one id fits."""
    ids = publication.liquidations if has_router else ()
    room = policy.gas.ids_within(policy.gas_limit_max, updates=len(publication.updates))
    size = min(policy.ids_max, room)
    if not ids or size < 1:
        return [()]
    return [ids[at : at + size] for at in range(0, len(ids), size)]


def _subject(position_id: PositionId) -> str:
    """The id alone: the contracts are asked by id, whatever its sequence is by then."""
    return position_id.hex()


def _subjects(ids: Iterable[PositionId]) -> tuple[str, ...]:
    return tuple(map(_subject, ids))


def liquidation_key(batch: LiquidationBatch) -> str:
    """Names the work of a batch: the block of the decision, and every (id, sequence)."""
    named = (key.id + key.sequence.to_bytes(8, "big") for key in batch.keys)
    return f"liquidate:{batch.head.number}:{_digest(named)}"


def _newest(updates: Iterable[Update]) -> BlockNumber:
    return max(update.source_block for update in updates)


def _digest(parts: Iterable[bytes]) -> str:
    return sha256(b"".join(parts)).hexdigest()[:24]


def for_oracle(answer: Submission) -> oracle.Sent | oracle.NotSent:
    """The sender's answer in the oracle's words: work already on its way is sent."""
    match answer:
        case Submitted(tx_hash=tx_hash) | AlreadyInFlight(tx_hash=tx_hash):
            return oracle.Sent(tx_hash=tx_hash)
        case Refused(reason=reason, is_moot=is_moot):
            return oracle.NotSent(reason=reason, is_moot=is_moot)
        case _:
            assert_never(answer)


def for_keepers(answer: Submission) -> submission.Sent | submission.NotSent:
    """The sender's answer in the keepers' words: work already on its way is sent."""
    match answer:
        case Submitted(tx_hash=tx_hash) | AlreadyInFlight(tx_hash=tx_hash):
            return submission.Sent(tx_hash=tx_hash)
        case Refused(reason=reason):
            return submission.NotSent(reason=reason)
        case _:
            assert_never(answer)
