"""Signatures of releases: `releases/<version>.sig`, checked against keys of the project.

The keys are those of the files at hand, which somebody reviewed. Nothing that a release names, its
commit least of all, has a say in who may sign it.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import facts
from slipway.model.document import Document
from slipway.model.problems import Finding
from slipway.model.release import Release

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from slipway.model.environment import Environment

    PublicKey = EllipticCurvePublicKey | Ed25519PublicKey


class KeyProblem(Exception):  # noqa: N818 - as `Problem`: a key that cannot be used
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}: {hint}")
        self.message, self.hint = message, hint


def signature_file(root: Path, version: str) -> Path:
    return root / facts.signature_file(version)


def signed_message(release: Release) -> bytes:
    """What is signed. AWS KMS takes at most 4096 bytes; the first word says what it is for."""
    return f"slipway release {release.version}\n{release.content_digest()}\n".encode()


def check_signature(root: Path, names: Sequence[str], release: Release) -> Iterator[Finding]:
    """What keeps an environment with the keys `names` from trusting the release. Without keys it
    trusts."""
    keys, usable = [], True
    for index, name in enumerate(names):
        try:
            keys.append(_public_key(root, name))
        except KeyProblem as problem:
            usable = False
            yield Finding(("signed_by", index), problem.message, problem.hint)
    if names and usable and not is_signed(root, release, keys):
        file = signature_file(root, release.version).relative_to(root)
        there = "holds no signature of it by" if (root / file).exists() else "is missing: it needs"
        yield Finding(
            ("release",),
            f"{file} {there} {' or '.join(names)}",
            f"look at what changed in the release, then `slipway sign {release.version} --key …`",
        )


def require_signature(root: Path, environment: "Environment", release: Release) -> None:
    """Refuse a release that the environment does not trust, pinned there or not.

    Raises InvalidProject.
    """
    findings = check_signature(root, environment.spec.signed_by, release)
    Document(facts.environment_file(environment.name)).refuse(findings)


def is_signed(root: Path, release: Release, keys: Iterable["PublicKey"]) -> bool:
    """Whether one of the keys made one of the file's signatures, a line each."""
    try:
        lines = signature_file(root, release.version).read_bytes().split()
    except OSError:
        return False
    message, keys = signed_message(release), list(keys)
    return any(fits(key, line, message) for line in lines for key in keys)


def public_key(pem: bytes, name: str) -> "PublicKey":
    """Raises KeyProblem."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        hint = "write one with `openssl pkey -in PRIVATE -pubout`, docs/releases.md"
        raise KeyProblem(f"{name} is not a public key in PEM", hint) from None
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise KeyProblem(f"{name} is a key of another kind", "use Ed25519, or ECDSA with P-256")


def _public_key(root: Path, name: str) -> "PublicKey":
    try:
        return public_key((root / name).read_bytes(), name)
    except OSError as error:
        hint = "name a file of the project"
        raise KeyProblem(f"{name} cannot be read ({error.strerror})", hint) from None


def fits(key: "PublicKey", line: bytes, message: bytes) -> bool:
    """Whether a line of a signature file is one of `message` by `key`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        signature = base64.b64decode(line, validate=True)
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
