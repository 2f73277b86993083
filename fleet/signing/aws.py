"""AWS KMS: a key of spec ECC_SECG_P256K1, usage SIGN_VERIFY. Needs the extra `aws` (boto3)."""

from typing import Any

from fleet.transactions.signer import SigningFailed

_SPEC = "ECC_SECG_P256K1"


class AwsKey:
    """One key; implements `fleet.signing.kms.KeyService`.

    Source: the service's operations GetPublicKey and Sign with MessageType DIGEST, which signs
    32 bytes as they are, whatever hash made them.
    """

    def __init__(
        self, *, key_id: str, region: str | None, endpoint: str | None, timeout_s: float
    ) -> None:
        """Takes the key's id or ARN; raises SigningFailed without the extra, or a region."""
        try:
            import boto3  # noqa: PLC0415 -- an optional extra
            from botocore.config import Config  # noqa: PLC0415 -- likewise
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- likewise
        except ImportError:
            raise SigningFailed("AWS KMS needs boto3: install megatao-keepers[aws]") from None
        self._errors = (BotoCoreError, ClientError)
        self._key_id = key_id
        # one attempt: the sender decides when it asks again
        limits = Config(
            connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 1}
        )
        try:
            self._client: Any = boto3.client(
                "kms", region_name=region, endpoint_url=endpoint, config=limits
            )
        except BotoCoreError as error:
            raise SigningFailed(f"AWS KMS: {type(error).__name__}") from None

    def public_key(self) -> bytes:
        """Its SubjectPublicKeyInfo, DER."""
        answer = self._asked("get_public_key", KeyId=self._key_id)
        if answer.get("KeySpec") != _SPEC:
            raise SigningFailed(f"AWS KMS: the key is of spec {answer.get('KeySpec')}, not {_SPEC}")
        return bytes(answer["PublicKey"])

    def sign(self, digest: bytes) -> bytes:
        """An ECDSA signature over 32 bytes as they are, DER."""
        answer = self._asked(
            "sign",
            KeyId=self._key_id,
            Message=digest,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return bytes(answer["Signature"])

    def close(self) -> None:
        """Lets go of connections."""
        self._client.close()

    def _asked(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except self._errors as error:
            raise SigningFailed(f"AWS KMS: {_code(error)}") from None
        return answer


def _code(error: Exception) -> str:
    """What the service calls it; its text names accounts and keys."""
    answer = getattr(error, "response", None)
    return answer["Error"]["Code"] if isinstance(answer, dict) else type(error).__name__
