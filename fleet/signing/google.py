"""Google Cloud KMS: a key version of algorithm EC_SIGN_SECP256K1_SHA256, which lives in an HSM.

Needs the extra `google` (google-cloud-kms).
"""

import base64
from typing import Any

from fleet.transactions.signer import SigningFailed

_ALGORITHM = "EC_SIGN_SECP256K1_SHA256"


class GoogleKey:
    """One key version; implements `fleet.signing.kms.KeyService`.

    Source: the service's methods GetPublicKey and AsymmetricSign. The field for a digest is called
    sha256; the service signs the 32 bytes it holds, whatever hash made them.
    """

    def __init__(self, *, version: str, timeout_s: float, transport: Any = None) -> None:
        """Takes the resource name of the key version; raises SigningFailed without the extra.

        `transport`: how requests travel; Google's own, with its default credentials, when None.
        """
        try:
            from google.api_core.exceptions import GoogleAPIError  # noqa: PLC0415 -- an extra
            from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- likewise
            from google.cloud import kms_v1  # noqa: PLC0415 -- likewise
        except ImportError:
            what = "Google Cloud KMS needs google-cloud-kms: install megatao-keepers[google]"
            raise SigningFailed(what) from None
        self._errors = (GoogleAPIError, GoogleAuthError)
        self._version = version
        self._timeout_s = timeout_s
        try:
            self._client: Any = kms_v1.KeyManagementServiceClient(transport=transport)
        except GoogleAuthError as error:
            raise SigningFailed(f"Google Cloud KMS: {type(error).__name__}") from None

    def public_key(self) -> bytes:
        """Its SubjectPublicKeyInfo, DER."""
        answer = self._asked("get_public_key", {"name": self._version})
        if answer.algorithm.name != _ALGORITHM:
            what = f"Google Cloud KMS: the key is {answer.algorithm.name}, not {_ALGORITHM}"
            raise SigningFailed(what)
        lines = answer.pem.strip().splitlines()
        return base64.b64decode("".join(lines[1:-1]))

    def sign(self, digest: bytes) -> bytes:
        """An ECDSA signature over 32 bytes as they are, DER."""
        request = {"name": self._version, "digest": {"sha256": digest}}
        answer = self._asked("asymmetric_sign", request)
        if answer.name != self._version:
            raise SigningFailed("Google Cloud KMS signed with another key version")
        return bytes(answer.signature)

    def close(self) -> None:
        """Lets go of connections."""
        self._client.transport.close()

    def _asked(self, method: str, request: dict[str, Any]) -> Any:
        try:
            return getattr(self._client, method)(
                request=request, timeout=self._timeout_s, retry=None
            )
        except self._errors as error:
            raise SigningFailed(f"Google Cloud KMS: {type(error).__name__}") from None
