"""Keys that live elsewhere, asked over real sockets through the real clients."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from aiohttp import web
from google.auth.credentials import AnonymousCredentials
from google.cloud.kms_v1.services.key_management_service.transports import (
    KeyManagementServiceRestTransport,
)

from fleet.settings import SettingsError, Workload
from fleet.signing.aws import AwsKey
from fleet.signing.external import ExternalSigner
from fleet.signing.google import GoogleKey
from fleet.signing.kms import ServiceKey
from fleet.signing.web3signer import Web3SignerKey
from fleet.transactions.envelope import Unsigned
from fleet.transactions.fees import Fee
from fleet.transactions.signer import LocalSigner, SigningFailed
from fleet.wiring.signing import open_signer
from tests.loopback.fleet.signing.services import (
    ACCOUNT,
    SECRET,
    VERSION,
    AwsKms,
    GoogleKms,
    Web3Signer,
    sealed_signature,
)
from tests.unit.fleet.wiring.simulated import settings
from units import Address, Wei

pytestmark = pytest.mark.loopback

PATIENCE_S = 60.0
Serve = Callable[[web.Application], Awaitable[str]]

LEGACY = Unsigned(
    chain_id=964,
    nonce=3,
    to=Address("0x" + "11" * 20),
    data=b"\x01\x02",
    value=Wei(5 * 10**9),
    gas_limit=50_000,
    fee=Fee(max_fee=10**10),
)
TYPED = replace(LEGACY, fee=Fee(max_fee=10**10, tip=10**9))


@pytest.fixture(autouse=True)
def _cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _anonymous() -> AnonymousCredentials:
    return AnonymousCredentials()  # type: ignore[no-untyped-call]


async def _web3signer(
    serve: Serve, service: Web3Signer, timeout_s: float = PATIENCE_S
) -> ExternalSigner:
    base = await serve(service.app())
    key = await Web3SignerKey.open(base, Address(ACCOUNT), PATIENCE_S)
    return ExternalSigner(key, timeout_s=timeout_s)


async def _aws(serve: Serve, service: AwsKms) -> ExternalSigner:
    base = await serve(service.app())
    key = AwsKey(key_id="alias/feeder", region="eu-central-1", endpoint=base, timeout_s=PATIENCE_S)
    return ExternalSigner(await ServiceKey.open(key, PATIENCE_S), timeout_s=PATIENCE_S)


async def _google(serve: Serve, service: GoogleKms) -> ExternalSigner:
    base = await serve(service.app())
    transport = KeyManagementServiceRestTransport(
        host=base.removeprefix("http://"), credentials=_anonymous(), url_scheme="http"
    )
    key = GoogleKey(version=VERSION, timeout_s=PATIENCE_S, transport=transport)
    return ExternalSigner(await ServiceKey.open(key, PATIENCE_S), timeout_s=PATIENCE_S)


Opened = Callable[[Serve], Awaitable[ExternalSigner]]

EVERY: dict[str, Opened] = {
    "web3signer": lambda serve: _web3signer(serve, Web3Signer()),
    "web3signer, v 0 or 1": lambda serve: _web3signer(serve, Web3Signer(v_offset=0)),
    "aws": lambda serve: _aws(serve, AwsKms()),
    "aws, high s": lambda serve: _aws(serve, AwsKms(high_s=True)),
    "google": lambda serve: _google(serve, GoogleKms()),
}


@pytest.fixture(params=list(EVERY))
async def signer(request: pytest.FixtureRequest, serve: Serve) -> AsyncIterator[ExternalSigner]:
    opened = await EVERY[request.param](serve)
    yield opened
    await opened.close()


@pytest.mark.parametrize("transaction", [LEGACY, TYPED])
async def test_every_service_signs_what_a_local_key_signs(
    signer: ExternalSigner, transaction: Unsigned
) -> None:
    assert signer.address == ACCOUNT
    assert await signer.sign(transaction) == await LocalSigner(SECRET.hex()).sign(transaction)


async def test_a_service_that_refuses_a_chain_signs_nothing(serve: Serve) -> None:
    service = Web3Signer(chain_id=964)
    signer = await _web3signer(serve, service)

    with pytest.raises(SigningFailed, match="HTTP 403"):
        await signer.sign(replace(LEGACY, chain_id=945))
    await signer.close()

    assert service.signed == []


async def test_a_service_that_signs_something_else_is_not_believed(serve: Serve) -> None:
    service = Web3Signer()
    signer = await _web3signer(serve, service)
    other = sealed_signature(replace(LEGACY, nonce=5))
    service.answer = lambda _: web.Response(text=other)

    with pytest.raises(SigningFailed, match="not of 0x"):
        await signer.sign(LEGACY)
    await signer.close()


async def test_a_service_that_never_answers_is_given_up(serve: Serve) -> None:
    signer = await _web3signer(serve, Web3Signer(is_silent=True), timeout_s=0.3)

    with pytest.raises(SigningFailed, match="no signature within"):
        await signer.sign(LEGACY)
    await signer.close()


@pytest.mark.parametrize("text", ["", "no", "0x12", "0x" + "g" * 130])
async def test_an_answer_that_is_no_signature_is_refused(serve: Serve, text: str) -> None:
    signer = await _web3signer(serve, Web3Signer(answer=lambda _: web.Response(text=text)))

    with pytest.raises(SigningFailed, match="no signature"):
        await signer.sign(LEGACY)
    await signer.close()


async def test_a_service_without_the_key_is_refused_at_the_start(serve: Serve) -> None:
    base = await serve(Web3Signer().app())

    with pytest.raises(SigningFailed, match="holds 2 keys, none of them"):
        await Web3SignerKey.open(base, Address("0x" + "11" * 20), PATIENCE_S)


async def test_an_answer_without_an_end_is_refused(serve: Serve) -> None:
    base = await serve(Web3Signer(padding=2 << 20).app())
    with pytest.raises(SigningFailed, match="too much"):
        await Web3SignerKey.open(base, Address(ACCOUNT), 5)


async def test_nobody_there_is_a_refusal() -> None:
    with pytest.raises(SigningFailed, match="can't be reached"):
        await Web3SignerKey.open("http://127.0.0.1:1", Address(ACCOUNT), PATIENCE_S)


async def test_aws_refuses_with_its_code_and_not_its_text(serve: Serve) -> None:
    service = AwsKms()
    signer = await _aws(serve, service)
    service.refuses = "DisabledException"

    with pytest.raises(SigningFailed, match="DisabledException") as caught:
        await signer.sign(LEGACY)
    await signer.close()

    assert "arn" not in str(caught.value)


async def test_a_key_of_another_curve_is_refused_at_the_start(serve: Serve) -> None:
    with pytest.raises(SigningFailed, match="ECC_NIST_P256"):
        await _aws(serve, AwsKms(spec="ECC_NIST_P256"))
    with pytest.raises(SigningFailed, match="EC_SIGN_P256_SHA256"):
        await _google(serve, GoogleKms(algorithm="EC_SIGN_P256_SHA256"))


async def test_google_refuses_without_its_text(serve: Serve) -> None:
    signer = await _google(serve, GoogleKms(status=403))

    with pytest.raises(SigningFailed, match="Forbidden") as caught:
        await signer.sign(LEGACY)
    await signer.close()

    assert "secret" not in str(caught.value)


async def test_a_signature_of_another_key_version_is_refused(serve: Serve) -> None:
    signer = await _google(serve, GoogleKms(signs_as=VERSION + "2"))

    with pytest.raises(SigningFailed, match="another key version"):
        await signer.sign(LEGACY)
    await signer.close()


async def test_a_service_that_is_not_there_is_one_line_that_names_the_key() -> None:
    url, address = "http://127.0.0.1:1", "0x" + "11" * 20
    own = settings(keys={"feeder": {"web3signer_url": url, "address": address}})
    async with AsyncExitStack() as closing:
        with pytest.raises(SettingsError, match=r"^keys\.feeder: Web3Signer can't be reached"):
            await open_signer(own, Workload.FEEDER, closing)


async def test_a_workload_signs_through_the_service_of_its_settings(serve: Serve) -> None:
    url = await serve(Web3Signer().app())
    own = settings(keys={"feeder": {"web3signer_url": url, "address": ACCOUNT}})
    async with AsyncExitStack() as closing:
        signer = await open_signer(own, Workload.FEEDER, closing)
        assert signer is not None
        assert await signer.sign(LEGACY) == await LocalSigner(SECRET.hex()).sign(LEGACY)
