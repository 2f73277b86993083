"""The least that a hand-over can take: the words written directly, signed natively, one POST.

It counts its nonces by itself, asks nothing, tries nothing, and keeps nothing: a crash would lose
what it sent, and a transaction that reverts goes out. What the fleet does beyond it is what the
difference buys.
"""

import json
from types import TracebackType
from typing import Self

import aiohttp

from bench.ground import FOREVER
from devnet.accounts import Account
from devnet.anvil import CHAIN_ID
from devnet.base_fee import BASE_FEE_FLOOR
from devnet.chaos.tally import GAS_LIMIT, TALLY, tally_call
from fleet.transactions.envelope import Unsigned
from fleet.transactions.fees import Fee
from fleet.transactions.signer import LocalSigner
from units import Wei

_FEE = Fee(max_fee=Wei(2 * BASE_FEE_FLOOR), tip=None)


class RefusedError(Exception):
    """The node did not take it."""


class BareSender:
    """One key that nobody else uses."""

    def __init__(self, *, url: str, account: Account) -> None:
        self._url = url
        self._signer = LocalSigner(account.private_key)
        self._nonce = 0
        self._session = aiohttp.ClientSession(headers={"Content-Type": "application/json"})

    async def __aenter__(self) -> Self:
        """Nothing is asked before the first hand-over."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the connection."""
        await self._session.close()

    async def send(self, piece: int) -> None:
        """Returns when the node has taken it; raises RefusedError."""
        signed = await self._signer.sign(
            Unsigned(
                chain_id=CHAIN_ID,
                nonce=self._nonce,
                to=TALLY,
                data=tally_call(piece, last_block=FOREVER),
                value=Wei(0),
                gas_limit=GAS_LIMIT,
                fee=_FEE,
            )
        )
        self._nonce += 1
        asked = {
            "jsonrpc": "2.0",
            "id": piece,
            "method": "eth_sendRawTransaction",
            "params": ["0x" + signed.raw.hex()],
        }
        async with self._session.post(self._url, data=json.dumps(asked)) as answer:
            said = json.loads(await answer.read())
        if "result" not in said:
            raise RefusedError(f"piece {piece}: {said}")
