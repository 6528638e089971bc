"""Signing a release, with a key file or a key in AWS KMS."""

import base64
import re
from pathlib import Path
from typing import Any

from slipway import files
from slipway.model import Release
from slipway.model.signature import (
    KeyProblem,
    fits,
    is_signed,
    public_key,
    signature_file,
    signed_message,
)

KEY = "SLIPWAY_SIGNING_KEY"
"""The environment variable that names the key: a file, or an ARN of AWS KMS."""
_KMS = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:(key|alias)/.+")


def signer(key: str) -> "FileKey | KmsKey":
    """The key that a file or an ARN names. Raises KeyProblem if it cannot be used."""
    return KmsKey(key) if _KMS.fullmatch(key) else FileKey(Path(key))


def sign(root: Path, release: Release, signer: "FileKey | KmsKey") -> bool:
    """Add a signature to the release's file of signatures; False if it is there already.

    Raises KeyProblem.
    """
    if is_signed(root, release, [signer.public]):
        return False
    file = signature_file(root, release.version)
    before = file.read_bytes() if file.exists() else b""
    line = base64.b64encode(signer.sign(signed_message(release)))
    if not fits(signer.public, line, signed_message(release)):
        raise KeyProblem(
            f"{signer.name} signs what its public key does not verify", "use another key"
        )
    files.write(file, before + line + b"\n")
    return True


class FileKey:
    """A private key in PEM."""

    def __init__(self, file: Path) -> None:
        from cryptography.hazmat.primitives import serialization as pem

        self.name = str(file)
        hint = "make one with `openssl genpkey -algorithm ed25519`, docs/releases.md"
        try:
            self._key: Any = pem.load_pem_private_key(file.read_bytes(), None)
        except OSError as error:
            raise KeyProblem(f"the key {file} cannot be read ({error.strerror})", hint) from None
        except TypeError:
            use = "use one in AWS KMS, or one without a passphrase that your secret store hands out"
            raise KeyProblem(f"the key {file} has a passphrase", use) from None
        except ValueError:
            raise KeyProblem(f"{file} is not a private key in PEM", hint) from None
        form = pem.PublicFormat.SubjectPublicKeyInfo
        written = self._key.public_key().public_bytes(pem.Encoding.PEM, form)
        self.public = public_key(written, str(file))

    def sign(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(message)
        signature: bytes = self._key.sign(message, ECDSA(SHA256()))
        return signature


class KmsKey:
    """An asymmetric key in AWS KMS that nobody can take away: ECC_NIST_P256, SIGN_VERIFY.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
    """

    def __init__(self, arn: str) -> None:
        import boto3

        self.name = arn
        self._client = boto3.client("kms", region_name=arn.split(":")[3])
        der = self._call("get_public_key", KeyId=arn)["PublicKey"]
        pem = b"-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n"
        self.public = public_key(pem % base64.encodebytes(der), arn)

    def sign(self, message: bytes) -> bytes:
        signed: bytes = self._call(
            "sign",
            KeyId=self.name,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )["Signature"]
        return signed

    def _call(self, operation: str, **parameters: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            hint = "log in to its account, or ask for kms:Sign and kms:GetPublicKey"
            raise KeyProblem(f"AWS KMS does not sign: {error}", hint) from None
