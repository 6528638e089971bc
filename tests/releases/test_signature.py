"""Signed releases: by whom, and what an environment does with one that is not."""

import json
from pathlib import Path

import boto3
import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from moto import mock_aws

from slipway.model import InvalidProject, load
from slipway.model.signature import KeyProblem, require_signature
from slipway.release import releases, signing
from tests.support.releases import Released


def new_key(project: Released, name: str = "release", key: object = None) -> Path:
    """A private key outside the project; its public half inside, as `keys/<name>.pem`."""
    key = key or ed25519.Ed25519PrivateKey.generate()
    private = project.root.parent / f"{name}.key"
    private.write_bytes(
        key.private_bytes(  # type: ignore[attr-defined]
            pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()
        )
    )
    public = key.public_key().public_bytes(  # type: ignore[attr-defined]
        pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo
    )
    project.write(f"keys/{name}.pem", public.decode())
    return private


def trusting(project: Released, *keys: str) -> None:
    """The environment wants the release 1.0.0, signed by one of these."""
    names = ", ".join(f"keys/{key}.pem" for key in keys)
    line = f"release: 1.0.0\nsigned_by: [{names}]\nauth:"
    project.edit("environments/kube.yaml", "auth:", line)


@pytest.mark.parametrize(
    "key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]
)
def test_what_a_trusted_key_signed_is_rendered(whole_project: Released, key: object) -> None:
    private = new_key(whole_project, key=key)
    whole_project.commit()
    assert whole_project.release("1.0.0", SLIPWAY_SIGNING_KEY=str(private))["signed"]
    trusting(whole_project, "release")
    done = whole_project.slipway("render", "kube")
    assert done.returncode == 0, done.stderr


def test_what_nobody_signed_is_refused_at_its_line(whole_project: Released) -> None:
    private = new_key(whole_project)
    whole_project.commit()
    assert not whole_project.release("1.0.0")["signed"]
    trusting(whole_project, "release")
    for command in ("render", "check"):
        done = whole_project.slipway(command, "kube")
        assert done.returncode == 2
        assert "environments/kube.yaml:3:10: release: releases/1.0.0.sig is missing" in done.stderr
        assert "`slipway sign 1.0.0 --key …`" in done.stderr
    signed = whole_project.slipway("sign", "1.0.0", "--key", str(private), "--json")
    assert json.loads(signed.stdout) == {
        "version": "1.0.0",
        "file": "releases/1.0.0.sig",
        "new": True,
    }
    assert whole_project.slipway("render", "kube").returncode == 0


def test_another_key_does_not_help_until_it_is_trusted(whole_project: Released) -> None:
    new_key(whole_project)
    other = new_key(whole_project, "other")
    whole_project.commit()
    whole_project.release("1.0.0", "--key", str(other))
    trusting(whole_project, "release")
    done = whole_project.slipway("render", "kube")
    assert done.returncode == 2
    assert "releases/1.0.0.sig holds no signature of it by keys/release.pem" in done.stderr
    whole_project.edit(
        "environments/kube.yaml", "[keys/release.pem]", "[keys/release.pem, keys/other.pem]"
    )
    assert whole_project.slipway("render", "kube").returncode == 0


def test_a_signature_is_of_one_content_and_version(project: Released) -> None:
    private = new_key(project)
    project.commit()
    project.release("1.0.0", "--key", str(private))
    made = releases.read(project.root, "1.0.0")
    (project.root / "releases/1.0.0.yaml").unlink()
    catalog = made.catalog.model_copy(update={"routes": {}})
    releases.write(project.root, made.model_copy(update={"catalog": catalog}))
    trusting(project, "release")
    with pytest.raises(InvalidProject, match="holds no signature of it"):
        load(project.root)


def test_signing_twice_changes_nothing_and_a_second_key_adds_a_line(project: Released) -> None:
    first, second = new_key(project), new_key(project, "second")
    project.commit()
    project.release("1.0.0", "--key", str(first))
    signatures = project.root / "releases/1.0.0.sig"
    before = signatures.read_bytes()
    again = project.slipway("sign", "1.0.0", "--key", str(first), "--json")
    assert not json.loads(again.stdout)["new"]
    assert signatures.read_bytes() == before
    assert project.slipway("sign", "1.0.0", "--key", str(second)).returncode == 0
    assert signatures.read_bytes().startswith(before)
    assert len(signatures.read_bytes().split()) == 2


def test_a_commit_that_a_release_names_has_no_say_in_who_signs(whole_project: Released) -> None:
    """Its author puts a key of their own under the trusted name and signs with it."""
    new_key(whole_project)
    reviewed = whole_project.commit()
    trusted = (whole_project.root / "keys/release.pem").read_text()
    theirs = new_key(whole_project)
    whole_project.commit("not reviewed")
    whole_project.release("1.0.0", "--key", str(theirs))
    made = (whole_project.root / "releases/1.0.0.yaml").read_text()
    signed = (whole_project.root / "releases/1.0.0.sig").read_text()
    whole_project.git("checkout", "-q", reviewed)
    assert (whole_project.root / "keys/release.pem").read_text() == trusted
    whole_project.write("releases/1.0.0.yaml", made)
    whole_project.write("releases/1.0.0.sig", signed)
    trusting(whole_project, "release")
    assert whole_project.slipway("render", "kube").returncode == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "environments/kube.yaml:4:13: signed_by[0]: keys/release.pem cannot be read"),
        ("not a key", "keys/release.pem is not a public key in PEM"),
    ],
)
def test_a_key_that_cannot_be_used_refuses_everything(
    whole_project: Released, content: str | None, expected: str
) -> None:
    private = new_key(whole_project)
    whole_project.commit()
    whole_project.release("1.0.0", "--key", str(private))
    trusting(whole_project, "release")
    (whole_project.root / "keys/release.pem").unlink()
    if content:
        whole_project.write("keys/release.pem", content)
    done = whole_project.slipway("render", "kube")
    assert done.returncode == 2
    assert expected in done.stderr


def test_a_weak_kind_of_key_is_refused(project: Released) -> None:
    private = new_key(project, key=rsa.generate_private_key(65537, 2048))
    with pytest.raises(KeyProblem, match="use Ed25519, or ECDSA with P-256"):
        signing.signer(str(private))


def test_a_bad_key_leaves_no_release_behind(project: Released) -> None:
    done = project.slipway("release", "1.0.0", "--key", "nowhere.key")
    assert done.returncode == 2
    assert "nowhere.key cannot be read" in done.stderr
    assert not (project.root / "releases").exists()


def test_a_key_in_kms_signs_and_its_public_half_verifies_offline(
    project: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    project.release("1.0.0")
    with mock_aws():
        client = boto3.client("kms", region_name="eu-central-1")
        made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        signer = signing.signer(made["Arn"])
        assert signing.sign(project.root, releases.read(project.root, "1.0.0"), signer)
    public = signer.public.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    project.write("keys/release.pem", public.decode())
    trusting(project, "release")
    environment = load(project.root).environment("kube")
    assert environment.release
    require_signature(project.root, environment, environment.release)
    new_key(project)  # another one under that name
    with pytest.raises(InvalidProject):
        load(project.root)


def test_a_key_in_kms_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
    with mock_aws(), pytest.raises(KeyProblem, match="AWS KMS does not sign"):
        signing.signer(arn)
