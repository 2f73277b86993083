"""Stand-ins of three key services. Each holds a real key and checks what it is asked to sign."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import rlp
from aiohttp import web
from coincurve import PrivateKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from coincurve.utils import GROUP_ORDER_INT
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_account import Account
from eth_utils.crypto import keccak

from fleet.transactions.envelope import Unsigned, payload

SECRET = bytes(range(1, 33))
KEY = PrivateKey(SECRET)
ACCOUNT = Account.from_key(SECRET).address
PUBLIC = "0x" + KEY.public_key.format(compressed=False)[1:].hex()


def der(digest: bytes, *, high_s: bool = False) -> bytes:
    """An ECDSA signature over 32 bytes as they are; services do not care which of the two s."""
    compact = KEY.sign_recoverable(digest, hasher=None)[:64]
    if high_s:
        s = GROUP_ORDER_INT - int.from_bytes(compact[32:], "big")
        compact = compact[:32] + s.to_bytes(32, "big")
    return cdata_to_der(deserialize_compact(compact))


def subject_public_key_info(curve: ec.EllipticCurve | None = None) -> bytes:
    """The public key as the clouds give it."""
    number = int.from_bytes(SECRET, "big")
    key = ec.derive_private_key(number, curve or ec.SECP256K1())
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sealed_signature(transaction: Unsigned) -> str:
    """The right answer to another question."""
    return "0x" + KEY.sign_recoverable(payload(transaction), hasher=keccak).hex()


def chain_id_of(payload: bytes) -> int:
    """Which chain an unsigned transaction is for."""
    if payload[0] == 2:
        return int.from_bytes(rlp.decode(payload[1:])[0], "big")
    return int.from_bytes(rlp.decode(payload)[6], "big")


@dataclass
class Web3Signer:
    """ETH1_LIST and ETH1_SIGN, for one chain: what is for another is refused."""

    chain_id: int = 964
    v_offset: int = 27
    signed: list[bytes] = field(default_factory=list)
    answer: Callable[[str], web.Response] | None = None
    is_silent: bool = False
    padding: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v1/eth1/publicKeys", self._keys)
        app.router.add_post("/api/v1/eth1/sign/{key}", self._sign)
        return app

    async def _keys(self, request: web.Request) -> web.StreamResponse:
        """In two pieces, as many keys come."""
        other = PrivateKey(bytes([7] * 32)).public_key.format(compressed=False)[1:].hex()
        keys = json.dumps(["0x" + other, PUBLIC]).encode() + b" " * self.padding
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(keys[:200])
        await asyncio.sleep(0.05)  # else they may arrive together
        await answer.write(keys[200:])
        return answer

    async def _sign(self, request: web.Request) -> web.Response:
        if self.is_silent:
            await asyncio.Event().wait()
        payload = bytes.fromhex((await request.json())["data"][2:])
        if request.match_info["key"] != PUBLIC:
            return web.Response(status=404)
        if chain_id_of(payload) != self.chain_id:
            return web.Response(status=403)
        self.signed.append(payload)
        compact = KEY.sign_recoverable(payload, hasher=keccak)
        text = "0x" + compact[:64].hex() + bytes([compact[64] + self.v_offset]).hex()
        return web.Response(text=text) if self.answer is None else self.answer(text)


@dataclass
class AwsKms:
    """GetPublicKey and Sign of the JSON protocol."""

    spec: str = "ECC_SECG_P256K1"
    high_s: bool = False
    refuses: str | None = None
    digests: list[bytes] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/", self._asked)
        return app

    async def _asked(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["KeyId"] == "alias/feeder"
        if self.refuses is not None:
            return web.json_response(
                {"__type": self.refuses, "message": "arn:aws:kms:secret"}, status=400
            )
        if request.headers["X-Amz-Target"] == "TrentService.GetPublicKey":
            public = base64.b64encode(subject_public_key_info()).decode()
            return web.json_response({"KeySpec": self.spec, "PublicKey": public})
        assert request.headers["X-Amz-Target"] == "TrentService.Sign"
        assert (body["MessageType"], body["SigningAlgorithm"]) == ("DIGEST", "ECDSA_SHA_256")
        digest = base64.b64decode(body["Message"])
        self.digests.append(digest)
        signature = base64.b64encode(der(digest, high_s=self.high_s)).decode()
        return web.Response(
            text=json.dumps({"KeyId": "key", "Signature": signature}),
            content_type="application/x-amz-json-1.1",
        )


VERSION = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"


@dataclass
class GoogleKms:
    """GetPublicKey and AsymmetricSign over HTTP."""

    algorithm: str = "EC_SIGN_SECP256K1_SHA256"
    signs_as: str = VERSION
    status: int = 200

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get(f"/v1/{VERSION}/publicKey", self._public_key)
        app.router.add_post(f"/v1/{VERSION}:asymmetricSign", self._sign)
        return app

    async def _public_key(self, _: web.Request) -> web.Response:
        lines = base64.encodebytes(subject_public_key_info()).decode()
        pem = f"-----BEGIN PUBLIC KEY-----\n{lines}-----END PUBLIC KEY-----\n"
        return web.json_response({"pem": pem, "algorithm": self.algorithm})

    async def _sign(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.json_response({"error": {"message": "secret"}}, status=self.status)
        digest = base64.b64decode((await request.json())["digest"]["sha256"])
        signature = base64.b64encode(der(digest)).decode()
        return web.json_response({"name": self.signs_as, "signature": signature})
