"""A stand-in for `docker`, whose engine cannot run everywhere: it builds with buildah.

It knows the options that `slipway build` gives to buildx, and no others.
"""

import argparse
import subprocess
import sys


def main(words: list[str]) -> None:
    match words:
        case ["buildx", "inspect"]:
            pass
        case ["buildx", "version"]:
            print("stand-in for buildx")
        case ["buildx", "imagetools", "inspect", reference, "--format={{.Manifest.Digest}}"]:
            template = "--format={{.FromImageDigest}}"
            print(output("buildah", "inspect", "--type=image", template, reference))
        case ["buildx", "build", *options]:
            build(options)
        case _:
            sys.exit(f"stand-in for docker: {words} is not known")


def build(options: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--progress", choices=["plain"])
    parser.add_argument("--provenance", choices=["false"])
    parser.add_argument("--platform")
    parser.add_argument("--no-cache", action="store_true")
    parser.add_argument("--secret")
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("--build-context", action="append", default=[])
    parser.add_argument("--output")
    parser.add_argument("context")
    asked = parser.parse_args(options)
    contexts = dict(text.split("=", 1) for text in asked.build_context)
    arguments = dict(text.split("=", 1) for text in asked.build_arg)
    for name, value in arguments.items():
        if value in contexts:
            place, _, digest = contexts[value].removeprefix("oci-layout://").rpartition("@")
            arguments[name] = pull(place, digest)
    output_options = dict(text.split("=", 1) for text in asked.output.split(","))
    assert output_options["type"] == "oci", asked.output
    assert output_options["tar"] == "false", asked.output
    assert output_options["rewrite-timestamp"] == "true", asked.output
    command = ["buildah", "build", "--isolation=chroot", "--layers", "--identity-label=false"]
    command += [f"--timestamp={arguments['SOURCE_DATE_EPOCH']}", "--tag=docker-stand-in"]
    command += ["--no-cache"] if asked.no_cache else []
    command += [f"--secret={asked.secret}"] if asked.secret else []
    command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
    subprocess.run([*command, "--pull=false", asked.context], check=True)
    target = f"oci:{output_options['dest']}"
    subprocess.run(["buildah", "push", "-q", "docker-stand-in", target], check=True)


def pull(layout: str, digest: str) -> str:
    """An image of a layout by digest, brought to buildah, which knows layouts by name only."""
    import json
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        alone = Path(folder)
        (alone / "blobs").symlink_to(f"{layout}/blobs")
        (alone / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        size = (alone / "blobs/sha256" / digest.removeprefix("sha256:")).stat().st_size
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = {"mediaType": kind, "digest": digest, "size": size}
        index = {"schemaVersion": 2, "manifests": [manifest]}
        (alone / "index.json").write_text(json.dumps(index))
        return output("buildah", "pull", "-q", f"oci:{folder}")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1:])
