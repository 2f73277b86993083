"""Gathers what is left when the last process has ended: journal, notes and chain."""

from collections.abc import Sequence
from pathlib import Path

from devnet.chaos.audit import Evidence, Receipt
from devnet.chaos.caller import read_notes
from devnet.chaos.ledger import read_rows, read_spending
from devnet.chaos.tally import read_tally
from devnet.chaos.weather import pooled_hashes
from devnet.chaos.workload import Piece
from devnet.rpc import NodeClient, Request
from fleet.store.engine import Database
from units import Address

_SUCCEEDED = "0x1"


async def collect(
    *,
    node: NodeClient,
    store: Database,
    account: Address,
    namespace: str,
    pieces: Sequence[Piece],
    notes: Path,
) -> Evidence:
    """For the audit, see `devnet.chaos.audit.judge`."""
    rows = await read_rows(store, namespace)
    sent = await node.call("eth_getTransactionCount", account, "latest")
    return Evidence(
        pieces=pieces,
        rows=rows,
        notes=read_notes(notes),
        effects=await read_tally(node, range(len(pieces))),
        transactions_sent=int(sent, 16),
        pooled=len(await pooled_hashes(node, account)),
        receipts=await _receipts(node, [row.mined_as for row in rows if row.mined_as]),
        spending=await read_spending(store, namespace),
    )


async def _receipts(node: NodeClient, hashes: list[str]) -> dict[str, Receipt]:
    """By hash; those that the chain does not know are absent."""
    asked = [Request(method="eth_getTransactionReceipt", params=(each,)) for each in hashes]
    found = [each for each in await node.batch(asked) if each is not None]
    return {
        each["transactionHash"]: Receipt(
            succeeded=each["status"] == _SUCCEEDED,
            fee=int(each["gasUsed"], 16) * int(each["effectiveGasPrice"], 16),
        )
        for each in found
    }
