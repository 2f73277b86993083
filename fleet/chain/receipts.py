"""Receipts as several operators give them: one counts when enough have the same. Pure."""

from collections.abc import Sequence
from typing import Any

from fleet.chain import answers
from fleet.chain.agreement import Ballot, agreed, failure_of
from fleet.chain.answers import Receipt
from fleet.chain.endpoint import Endpoint
from fleet.chain.logs import log_mark
from fleet.chain.replies import Asked
from fleet.chain.throttle import Urgency
from units import TxHash

Receipts = tuple[Receipt | None, ...]
"""One for each hash that was asked for; None where the node has none."""


async def read_receipts(endpoint: Endpoint, hashes: Sequence[TxHash], urgency: Urgency) -> Receipts:
    """One node's receipts, in one exchange where it takes batches."""
    asked: list[Asked] = [("eth_getTransactionReceipt", [each]) for each in hashes]
    found = await endpoint.batch(asked, urgency)
    return tuple(None if each is None else answers.receipt(each) for each in found)


def agreed_receipts(said: Sequence[tuple[str, Receipts]], needed: int) -> Receipts:
    """The receipts that enough operators have; None where fewer have one yet.

    Args:
        said: each operator's, with its name.
        needed: how many must have the same.

    Raises:
        NodesDisagree: enough have a receipt, and not the same.
    """
    return tuple(
        _one([(name, each) for name, each in column if each is not None], needed)
        for column in zip(*([(name, each) for each in own] for name, own in said), strict=True)
    )


def _one(given: Sequence[tuple[str, Receipt]], needed: int) -> Receipt | None:
    if len(given) < needed:
        return None
    ballots = [Ballot(name, receipt) for name, receipt in given]
    found = agreed(ballots, needed, receipt_mark)
    if found is None:
        raise failure_of(ballots, needed, receipt_mark)
    assert isinstance(found.said, Receipt), "there are no other ballots"
    return found.said


def receipt_mark(receipt: Receipt) -> Any:
    """What of a receipt has to be the same; clients add fields of their own to logs."""
    logs = tuple(log_mark(log) for log in receipt.logs)
    return (
        receipt.tx_hash,
        receipt.block_hash,
        receipt.succeeded,
        receipt.gas_used,
        receipt.fee,
        logs,
    )
