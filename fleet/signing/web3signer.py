"""Web3Signer's HTTP API (`/api/v1/eth1`): keys in a vault or a module, behind one address.

Source: Web3Signer's OpenAPI description, ETH1_LIST and ETH1_SIGN. It hashes what it is given with
Keccak-256 itself, so the whole unsigned transaction travels and the service can log it.
"""

import re
from http import HTTPStatus

import aiohttp
from coincurve import PublicKey

from fleet.signing.verification import Answer, address_of
from fleet.transactions.signer import SigningFailed
from units import Address

_KEY = re.compile(r"0x[0-9a-f]{128}")
_SIGNATURE = re.compile(r"0x[0-9a-f]{128}([0-9a-f]{2})?")
_ANSWER_MAX = 1 << 20


class Web3SignerKey:
    """One key of a Web3Signer; implements `KeyElsewhere`."""

    def __init__(
        self, *, base: str, key: str, address: Address, http: aiohttp.ClientSession
    ) -> None:
        self._base = base
        self._key = key
        self._http = http
        self.address = address

    @classmethod
    async def open(cls, base: str, address: Address, timeout_s: float) -> "Web3SignerKey":
        """Finds the key of `address` among those the service holds.

        Raises:
            SigningFailed: it can't be reached, or holds no such key.
        """
        limit = aiohttp.ClientTimeout(total=timeout_s)
        http = aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar())
        try:
            key = await _find(http, base, address)
        except BaseException:
            await http.close()
            raise
        return cls(base=base, key=key, address=address, http=http)

    async def signature(self, payload: bytes) -> Answer:
        """Asks the service to sign; raises SigningFailed."""
        address = f"{self._base}/api/v1/eth1/sign/{self._key}"
        text = await _asked(self._http, "POST", address, json={"data": "0x" + payload.hex()})
        found = text.strip().strip('"').lower()
        if not _SIGNATURE.fullmatch(found):
            raise SigningFailed("Web3Signer answered with no signature")
        return Answer(r=int(found[2:66], 16), s=int(found[66:130], 16))

    async def close(self) -> None:
        """Lets go of the connection."""
        await self._http.close()


async def _find(http: aiohttp.ClientSession, base: str, address: Address) -> str:
    text = await _asked(http, "GET", f"{base}/api/v1/eth1/publicKeys")
    keys: list[str] = _KEY.findall(text.lower())
    for key in keys:
        if _address(key) == address:
            return key
    raise SigningFailed(f"Web3Signer holds {len(keys)} keys, none of them of {address}")


def _address(key: str) -> Address:
    try:
        return address_of(PublicKey(b"\x04" + bytes.fromhex(key[2:])))
    except ValueError:
        raise SigningFailed("Web3Signer names a key that is none of secp256k1") from None


async def _asked(
    http: aiohttp.ClientSession, method: str, address: str, json: object = None
) -> str:
    try:
        async with http.request(method, address, json=json, allow_redirects=False) as answer:
            text = (await _body(answer)).decode("utf-8", "replace")
            if answer.status != HTTPStatus.OK:
                raise SigningFailed(f"Web3Signer refuses with HTTP {answer.status}")
            return text
    except aiohttp.ClientError as error:
        raise SigningFailed(f"Web3Signer can't be reached: {type(error).__name__}") from None
    except TimeoutError:
        raise SigningFailed("Web3Signer does not answer in time") from None


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """All of it, in however many pieces it comes; raises SigningFailed when there is no end."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > _ANSWER_MAX:
            raise SigningFailed("Web3Signer answers with too much")
    return bytes(body)
