"""What `slipway migrate` finds in images of every kind, what it refuses, what it writes."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.cli.migrate import _findings
from slipway.images.migrate import entry
from slipway.images.migrate.derive import JUPYTER, derive, jupyter_image
from slipway.images.migrate.examine import ExaminedImage, examine
from slipway.images.migrate.inside import Inside
from slipway.images.migrate.layers import write_layer
from slipway.images.migrate.starting import options_of
from slipway.images.oci.descriptors import (
    CONFIG,
    INDEX,
    LAYER_GZIP,
    MANIFEST,
    Descriptor,
    ImageError,
    Platform,
    encode,
)
from slipway.images.oci.filesystem import FileSystem
from slipway.images.oci.image import load_image
from slipway.images.oci.layout import Layout
from slipway.images.registry.transfer import import_archive
from slipway.model import load
from slipway.model.document import parse
from slipway.untrusted import printable
from tests.support.images import add_image, docker_archive, tar
from tests.support.local import ROOT
from tests.support.migrating import (
    CONFIG_FILE,
    PASSWD,
    PROGRAM,
    RSTUDIO,
    SECRET,
    files,
    found_in,
    inside,
    own_layer,
)


def test_the_system_is_described(tmp_path: Path):
    files_of = files(
        ("etc/os-release", 'NAME="x"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n'),
        ("lib64/libc.so.6", b"GNU C Library (GNU libc) stable release version 2.34.\0"),
    )
    programs = tar(("usr/bin/python3.11", "#!"), mode=0o755)
    made_of = found_in(
        tmp_path, PROGRAM, files_of, programs, ExposedPorts={"8080/tcp": {}}, User="dev"
    ).as_json()
    assert made_of["name"] == "Rocky Linux 9.4 (Blue Onyx)"
    assert (made_of["libc"], made_of["pythons"]) == ("glibc 2.34", ("/usr/bin/python3.11",))
    assert (made_of["ports"], made_of["home"]) == (("8080/tcp",), "/home/dev")
    assert made_of["user"] == {"name": "dev", "uid": 1234, "gid": 1234}


def test_musl_is_told_from_glibc(tmp_path: Path):
    alpine = files(("lib/ld-musl-x86_64.so.1", b"\0001.2.5\0"))
    assert found_in(tmp_path, PROGRAM, alpine).system.libc == "musl 1.2.5"


@pytest.mark.parametrize(
    ("user", "who"),
    [("dev", ("dev", 1234, 1234)), ("1234", ("dev", 1234, 1234)), ("dev:100", ("dev", 1234, 100)),
     ("", ("root", 0, 0)), ("4321", ("", 4321, 0)), ("4321:dev", ("", 4321, 1234))],
)  # fmt: skip
def test_the_configurations_user_is_resolved(tmp_path: Path, user: str, who: tuple):
    found = found_in(tmp_path, PROGRAM, files(), User=user).user
    assert (found.name, found.uid, found.gid) == who


def test_configuration_is_kept_or_taken_over_and_secrets_are_told_nowhere(tmp_path: Path):
    found = found_in(
        tmp_path,
        PROGRAM,
        files(("home/dev/.config/code-server/config.yaml", CONFIG_FILE), uid=1234),
        User="dev",
        Env=["PATH=/usr/bin:/bin", f"HASHED_PASSWORD={SECRET}"],
    )
    report = found.editor.report
    told = " ".join(report.taken_over)
    assert all(name in told for name in ("bind-addr", "auth", "password of", "HASHED_PASSWORD of"))
    assert any("app-name (Team)" in line for line in report.honoured)
    assert sum("is a secret" in line for line in report.warnings) == 2
    catalog = load(ROOT).catalog
    new = entry.entries(catalog, "old", found.editor, found.home, "old")
    assert SECRET not in json.dumps(found.as_json()) + entry.as_yaml(new)


def test_the_command_line_is_honoured_but_for_where_to_listen(tmp_path: Path):
    found = found_in(
        tmp_path,
        PROGRAM,
        files(("home/dev/work", None)),
        User="dev",
        Entrypoint=["/usr/bin/code-server", "--bind-addr=0.0.0.0:80", "--auth", "none"],
        Cmd=["--app-name", "Team", "--disable-telemetry", "--locale=de", "/home/dev/work"],
    )
    assert found.editor.app() == {
        "kind": "code-server",
        "arguments": ["--app-name=Team", "--locale=de"],
        "folder": "work",
    }


def test_a_program_that_is_not_on_path_is_named(tmp_path: Path):
    elsewhere = tar(
        ("bin/sh", "#!"),
        ("opt/code/bin/code-server", "#!"),
        ("opt/code/lib/vscode/bin/remote-cli/code-server", "#!"),
        mode=0o755,
    )
    package = files(("opt/code/package.json", '{"name": "code-server", "version": "4.1.2"}'))
    editor = found_in(tmp_path, elsewhere, package).editor
    assert editor.app()["program"] == "/opt/code/bin/code-server"
    assert editor.version == "4.1.2"


LINUXSERVER = """#!/usr/bin/with-contenv bash
if [[ -n "${PASSWORD}" ]]; then AUTH="password"; fi
mkdir -p /config/.config/code-server
exec \\
    s6-setuidgid abc \\
        /app/code-server/bin/code-server \\
            --bind-addr 0.0.0.0:8443 \\
            --user-data-dir /config/data \\
            --extensions-dir /config/extensions \\
            --auth "${AUTH}" \\
            --app-name "${APP_NAME:-code-server}" \\
            "${DEFAULT_WORKSPACE:-/config/workspace}"
"""


def test_a_service_that_starts_it_as_linuxserver_does(tmp_path: Path):
    found = found_in(
        tmp_path,
        tar(("bin/sh", "#!"), ("app/code-server/bin/code-server", "#!"), mode=0o755),
        files(
            ("etc/s6-overlay/s6-rc.d/svc-code-server/run", LINUXSERVER),
            ("config/workspace", None),
            ("config/data/User/settings.json", "{}"),
            passwd=PASSWD + "abc:x:911:911::/config:/bin/false\n",
        ),
        Env=["HOME=/config"],
        Entrypoint=["/init"],
    )
    assert found.home == "/config"
    assert found.editor.app() == {
        "kind": "code-server",
        "program": "/app/code-server/bin/code-server",
        "arguments": [
            "--app-name=code-server", "--user-data-dir=/config/data",
            "--extensions-dir=/config/extensions",
        ],
        "folder": "workspace",
    }  # fmt: skip
    assert "/config/data/User/settings.json" in found.editor.report.files


def test_an_entry_points_script_hands_its_arguments_on(tmp_path: Path):
    script = 'eval "$(fixuid -q)"\nexec dumb-init /usr/bin/code-server --verbose "$@"\n'
    image = inside(
        tmp_path,
        PROGRAM,
        tar(("usr/bin/entrypoint.sh", script), mode=0o755),
        Entrypoint=["/usr/bin/entrypoint.sh", "--bind-addr"],
        Cmd=["x"],
    )
    assert options_of(image, "code-server") == ["--verbose", "--bind-addr", "x"]


def test_settings_outside_the_home_move_into_it(tmp_path: Path):
    found = found_in(
        tmp_path,
        PROGRAM,
        files(("data/User/settings.json", "{}"), ("ext/one/package.json", "{}")),
        User="dev",
        Cmd=["code-server", "--user-data-dir=/data", "--extensions-dir", "/ext"],
    )
    assert "arguments" not in found.editor.app(), "they move to where code-server looks anyway"
    names = own_layer(found, tmp_path / "own")
    skel = "opt/jupyter/share/slipway/skel/.local/share/code-server"
    assert f"{skel}/User/settings.json" in names
    assert f"{skel}/extensions/one/package.json" in names


BOMBS = {
    "values": "\n".join(
        [f"cert: true\na0: &a0 [{','.join('1' * 10)}]"]
        + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    ),
    "text": f"cert: true\ntext: &text {'x' * 500_000}\nall: [{','.join(['*text'] * 60_000)}]",
    "depth": f"cert: true\na: {'[' * 100_000}",
    "itself": "cert: true\na: &a [*a]",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_configuration_that_would_fill_the_memory_is_not_taken_over(tmp_path: Path, text: str):
    path = "home/dev/.config/code-server/config.yaml"
    found = found_in(tmp_path, PROGRAM, files((path, text)), User="dev")
    assert found.editor.files == {}
    assert found.editor.report.honoured == []
    assert any(f"/{path} holds no options" in line for line in found.editor.report.warnings)


def test_values_of_a_configuration_are_told_in_short(tmp_path: Path):
    path = "home/dev/.config/code-server/config.yaml"
    found = found_in(tmp_path, PROGRAM, files((path, f"app-name: {'x' * 5000}")), User="dev")
    assert all(len(line) < 300 for line in found.editor.report.honoured)


def test_variables_that_multiply_are_left_out(tmp_path: Path):
    script = f"exec code-server --app-name {'$A' * 3000} --locale=de\n"
    image = inside(
        tmp_path,
        PROGRAM,
        tar(("start.sh", f"#!/bin/sh\n{script}"), mode=0o755),
        Entrypoint=["/start.sh"],
        Env=[f"A={'a' * 1_000_000}"],
    )
    assert options_of(image, "code-server") == ["--app-name", "--locale=de"]


def test_names_of_an_image_reach_a_terminal_escaped(tmp_path: Path):
    evil = "e\x1b[2J\u202e\nPython    none"
    release = f'PRETTY_NAME="{evil.splitlines()[0]}"\n'
    path = "home/dev/.config/code-server/config.yaml"
    found = found_in(
        tmp_path,
        PROGRAM,
        files(("etc/os-release", release), (path, f"app-name: {json.dumps(evil)}")),
        User="dev",
        ExposedPorts={evil: {}},
        Entrypoint=["code-server", f"--welcome-text={evil}"],
    )
    told = _findings(found)
    assert r"e\x1b[2J\u202e" in told
    assert printable(told) == told
    assert [line for line in told.splitlines() if line.startswith("Python")] == ["Python    none"]
    catalog = load(ROOT).catalog
    pasted = entry.as_yaml(entry.entries(catalog, "old", found.editor, found.home, "old"))
    assert printable(pasted) == pasted
    (app,) = parse(pasted.encode(), "").data["apps"].values()
    assert app["arguments"] == (f"--welcome-text={evil}",)


@pytest.mark.parametrize("name", ["e\x1b[2J", "a\nb", "a\u202eb", "\udcff"])
def test_a_program_whose_path_no_catalog_shows_is_refused(tmp_path: Path, name: str):
    program = tar(("bin/sh", "#!"), (f"{name}/code-server", "#!"), mode=0o755)
    with pytest.raises(ImageError, match="characters that no catalog shows"):
        found_in(tmp_path, program, files(), User="dev")


def test_a_configuration_with_tls_is_replaced_by_one_without(tmp_path: Path):
    text = f"{CONFIG_FILE}cert: true\n"
    found = found_in(
        tmp_path,
        PROGRAM,
        files(("home/dev/.config/code-server/config.yaml", text)),
        User="dev",
    )
    (argument,) = found.editor.app()["arguments"]
    path = argument.removeprefix("--config=")
    assert json.loads(found.editor.files[path]) == {"app-name": "Team"}


def test_rstudios_configuration_is_read(tmp_path: Path):
    server = "www-port=8080\nrsession-which-r=/opt/R/4.4.1/bin/R\nauth-none=1\n"
    session = "session-default-working-dir=~/work\n# r-libs-user=x\n"
    found = found_in(
        tmp_path,
        RSTUDIO,
        files(
            ("etc/rstudio/rserver.conf", server),
            ("etc/rstudio/rsession.conf", session),
            ("opt/R/4.4.1/lib/R/library/base/DESCRIPTION", "Package: base\nVersion: 4.4.1\n"),
            ("home/analyst/.config/rstudio/rstudio-prefs.json", "{}"),
            passwd=PASSWD + "analyst:x:1000:1000::/home/analyst:/bin/bash\n",
        ),
    )
    report = found.editor.report
    assert (found.home, found.editor.version) == ("/home/analyst", "R 4.4.1")
    assert [line.split()[0] for line in report.taken_over] == ["www-port", "auth-none"]
    assert any("session-default-working-dir (~/work)" in line for line in report.honoured)
    assert "/home/analyst/.config/rstudio/rstudio-prefs.json" in report.files
    assert found.editor.app() == {"kind": "rstudio"}
    assert "opt/jupyter/rsession-proxy/enabled" in own_layer(found, tmp_path / "own")


def test_rstudio_without_a_name_for_its_user_needs_the_word(tmp_path: Path):
    with pytest.raises(ImageError, match="--add-user"):
        found_in(tmp_path, RSTUDIO, files(), User="dev")
    found = found_in(tmp_path, RSTUDIO, files(), User="dev", add_user=True)
    assert found.accounts is not None
    passwd, group = (text.decode().splitlines() for text in found.accounts)
    assert passwd[0] == "dev:x:1000:1000::/home/dev:/bin/bash"
    assert passwd[1:] == ["root:x:0:0:root:/root:/bin/bash"]
    assert group == ["dev:x:1234:", "dev-1000:x:1000:"]


def test_without_the_word_no_file_of_the_image_is_replaced(tmp_path: Path):
    found = found_in(tmp_path, PROGRAM, files(), User="dev")
    assert any("--add-user" in line for line in found.editor.report.warnings)
    outside = [n for n in own_layer(found, tmp_path / "own") if not n.startswith("opt/jupyter")]
    assert outside in ([], ["opt"])


SH = tar(("bin/sh", "#!"), mode=0o755)


@pytest.mark.parametrize(
    ("layers", "settings", "reason"),
    [
        ([SH], {}, "no code-server or rstudio"),
        ([tar(("usr/bin/code-server", "#!"), mode=0o755)], {}, "no /bin/sh"),
        ([PROGRAM, tar(("opt/jupyter/bin/python", ""))], {}, "/opt/jupyter already"),
        ([PROGRAM], {"User": "nobody-knows"}, "does not know"),
        ([PROGRAM, RSTUDIO], {}, "choose one with --app"),
        ([SH, tar(("opt/rs/bin/rserver", "#!"), mode=0o755)], {}, "does not look for it"),
        ([SH, tar(("opt/o/bin/openvscode-server", "#!"), mode=0o755)], {}, "has no app kind"),
        ([SH, tar(("usr/bin/code-server", "#!"), mode=0o700)], {}, "cannot be read by uid 1000"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    tmp_path: Path, layers: list[bytes], settings: dict, reason: str
):
    with pytest.raises(ImageError, match=reason):
        found_in(tmp_path, *layers, **settings)


def test_other_systems_encrypted_layers_and_old_manifests_are_refused(tmp_path: Path):
    layout = Layout(tmp_path)
    windows = load_image(layout, add_image(layout, [SH], os="windows"))
    with pytest.raises(ImageError, match="run on Linux"):
        examine(Inside(FileSystem(windows)), "auto", add_user=False)
    good = add_image(layout, [SH])
    for old, new, reason in (
        (LAYER_GZIP, f"{LAYER_GZIP}+encrypted", "encrypted"),
        (LAYER_GZIP, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "distributed"),
        (CONFIG, "application/vnd.cncf.helm.config.v1+json", "not a container image"),
    ):
        changed = layout.read(good).replace(old.encode(), new.encode())
        with pytest.raises(ImageError, match=reason):
            load_image(layout, layout.add(changed, MANIFEST))
    old_manifest = replace(good, media_type="application/vnd.docker.distribution.manifest.v1+json")
    with pytest.raises(ImageError, match="schema 1"):
        load_image(layout, old_manifest)


def test_of_several_platforms_one_is_chosen(tmp_path: Path):
    layout = Layout(tmp_path)
    images = {a: add_image(layout, [SH], architecture=a) for a in ("amd64", "arm64")}
    entries = [
        i.as_json() | {"platform": {"os": "linux", "architecture": a}} for a, i in images.items()
    ]
    unknown = {"os": "unknown", "architecture": "unknown"}
    entries.append(images["amd64"].as_json() | {"platform": unknown})
    index = layout.add(encode({"schemaVersion": 2, "manifests": entries}), INDEX)
    chosen = load_image(layout, index, Platform("linux", "arm64"))
    assert chosen.descriptor.digest == images["arm64"].digest
    with pytest.raises(ImageError, match="for linux/amd64, linux/arm64; say --platform"):
        load_image(layout, index, Platform("linux", "s390x"))
    with pytest.raises(ImageError, match="for linux/amd64, not for linux/arm64"):
        load_image(layout, images["amd64"], Platform("linux", "arm64"))


def test_without_jupyter_for_its_platform_it_says_what_to_build(tmp_path: Path):
    found = found_in(tmp_path / "image", PROGRAM, files(), User="dev")
    store = Layout(tmp_path / "store")
    with pytest.raises(ImageError, match="slipway build jupyter"):
        jupyter_image(store, found.inside.image)
    store.tag(JUPYTER, add_image(store, [SH], architecture="arm64"))
    with pytest.raises(ImageError, match="for linux/arm64, not for linux/amd64"):
        jupyter_image(store, found.inside.image)


def test_a_new_home_has_all_of_the_old_and_nothing_from_outside(tmp_path: Path):
    pipe = tarfile.TarInfo("home/dev/pipe")
    pipe.type = tarfile.FIFOTYPE
    found = found_in(
        tmp_path,
        PROGRAM,
        files(
            ("home/dev", None),
            ("home/dev/a/one", "1"),
            ("home/dev/same", "=> home/dev/a/one"),
            ("home/dev/away", "-> /etc/shadow"),
            pipe,
            uid=1234,
        ),
        tar(("home/dev/.ssh/key", "k"), mode=0o600, uid=1234),
        tar(("home/dev/tool", "#!"), mode=0o4755, uid=1234),
        User="dev",
    )
    names = own_layer(found, tmp_path / "own")
    skel = "opt/jupyter/share/slipway/skel"
    in_home = {n.removeprefix(f"{skel}/"): m for n, m in names.items() if n.startswith(f"{skel}/")}
    assert set(in_home) == {"a", "a/one", "same", "away", ".ssh", ".ssh/key", "tool"}
    assert in_home["away"].linkname == "/etc/shadow"
    assert in_home["same"].islnk()
    assert (in_home[".ssh/key"].mode, in_home["tool"].mode) == (0o600, 0o755)
    assert {(m.uid, m.gid, m.mtime) for m in in_home.values()} == {(1000, 1000, 0)}


def migrated(folder: Path, found: ExaminedImage) -> tuple[Layout, Descriptor]:
    store = Layout(folder)
    jupyter = load_image(store, add_image(store, [tar(("opt/jupyter/bin/python", "#!"))]))
    return store, derive(store, found.inside.image, jupyter, write_layer(store, found, {}))


def test_layers_and_configuration_are_the_old_ones_and_the_result_the_same_each_time(
    tmp_path: Path,
):
    settings = {
        "User": "dev",
        "Env": ["A=1"],
        "Entrypoint": ["/init"],
        "Cmd": ["x"],
        "WorkingDir": "/home/dev",
        "Labels": {"a": "b"},
        "Healthcheck": {"Test": ["x"]},
    }
    found = found_in(tmp_path / "image", PROGRAM, files(), **settings)
    store, made = migrated(tmp_path / "one", found)
    image = load_image(store, made)
    assert image.layers[:2] == found.inside.image.layers
    labels = image.settings["Labels"]
    assert {**image.settings, "Labels": {"a": "b"}} == settings
    assert labels["org.opencontainers.image.base.digest"] == found.inside.image.descriptor.digest
    FileSystem(image)
    assert migrated(tmp_path / "two", found)[1].digest == made.digest


def test_dockers_manifest_holds_dockers_layers_only(tmp_path: Path):
    layout = Layout(tmp_path / "image")
    file = docker_archive(tmp_path / "a.tar", [PROGRAM, files()], {"User": "dev"})
    image = load_image(layout, import_archive(file, layout, "", Platform("linux", "amd64")))
    found = examine(Inside(FileSystem(image)), "auto", add_user=False)
    store, made = migrated(tmp_path / "store", found)
    kinds = {d.media_type for d in store.walk(made)}
    assert all("vnd.docker" in kind for kind in kinds)
