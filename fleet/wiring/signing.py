"""A workload's key, from wherever it lies to something that signs."""

import asyncio
from contextlib import AsyncExitStack

from fleet.settings import KeySettings, Problem, Settings, SettingsError, Workload
from fleet.settings.keys import load_key
from fleet.signing.aws import AwsKey
from fleet.signing.external import ExternalSigner, KeyElsewhere
from fleet.signing.google import GoogleKey
from fleet.signing.kms import KeyService, ServiceKey
from fleet.signing.web3signer import Web3SignerKey
from fleet.transactions.signer import LocalSigner, Signer, SigningFailed
from units import Address


async def open_signer(
    settings: Settings, workload: Workload | None, closing: AsyncExitStack
) -> Signer | None:
    """The workload's key; None where none is configured. Opening a keystore takes a second.

    Raises:
        SettingsError: the key can't be read, or the service that holds it can't be reached, does
            not hold it, or holds one of another kind.
    """
    key = None if workload is None else settings.keys.of(workload)
    if key is None:
        return None
    if key.private_key_file is not None or key.keystore_file is not None:
        return LocalSigner((await asyncio.to_thread(load_key, key)).private_key.get_secret_value())
    try:
        signer = ExternalSigner(await _elsewhere(key), timeout_s=key.timeout_s)
    except SigningFailed as error:
        raise SettingsError(Problem(where=f"keys.{workload}", what=str(error))) from None
    closing.push_async_callback(signer.close)
    return signer


async def _elsewhere(key: KeySettings) -> KeyElsewhere:
    if key.web3signer_url is not None:
        assert key.address is not None, "the settings saw to it"
        base = key.web3signer_url.rstrip("/")
        return await Web3SignerKey.open(base, Address(key.address), key.timeout_s)
    return await ServiceKey.open(await asyncio.to_thread(_service, key), key.timeout_s)


def _service(key: KeySettings) -> KeyService:
    if key.google_kms_version is not None:
        return GoogleKey(version=key.google_kms_version, timeout_s=key.timeout_s)
    assert key.aws_kms_key is not None, "the settings saw to it"
    return AwsKey(
        key_id=key.aws_kms_key, region=key.aws_region, endpoint=None, timeout_s=key.timeout_s
    )
