"""What `slipway migrate` finds in images of every kind, what it refuses, what it writes."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.migrate import entry
from slipway.migrate.derive import derive
from slipway.migrate.examine import Found, examine
from slipway.migrate.inside import Inside, worth_keeping
from slipway.migrate.layers import write_layer
from slipway.migrate.starting import options_of
from slipway.model import InvalidProject, load
from slipway.oci.descriptors import CONFIG, LAYER_GZIP, MANIFEST, Descriptor, ImageError
from slipway.oci.filesystem import FileSystem
from slipway.oci.image import load_image
from slipway.oci.layout import Layout
from tests.support.images import add_image, docker_archive, tar
from tests.support.local import ROOT

PASSWD = "root:x:0:0:root:/root:/bin/bash\ndev:x:1234:1234::/home/dev:/bin/bash\n"
PROGRAM = tar(("bin/sh", "#!"), ("usr/bin/code-server", "#!"), mode=0o755)
RSTUDIO = tar(
    ("bin/sh", "#!"),
    ("usr/lib/rstudio-server/bin/rserver", "#!"),
    ("opt/R/4.4.1/bin/R", "#!"),
    mode=0o755,
)
SECRET = "hunter2-and-more"
CONFIG_FILE = f"bind-addr: 0.0.0.0:9000\nauth: password\npassword: {SECRET}\napp-name: Team\n"


def inside(folder: Path, *layers: bytes, **settings: Any) -> Inside:
    layout = Layout(folder)
    found = add_image(layout, layers, settings)
    return Inside(FileSystem(load_image(layout, found), worth_keeping))


def files(*entries: Any, passwd: str = PASSWD, uid: int = 0) -> bytes:
    return tar(("etc/passwd", passwd), ("etc/group", "dev:x:1234:\n"), *entries, uid=uid)


def found_in(folder: Path, *layers: bytes, add_user: bool = False, **settings: Any) -> Found:
    return examine(inside(folder, *layers, **settings), "auto", add_user=add_user)


def own_layer(found: Found, folder: Path) -> dict[str, tarfile.TarInfo]:
    layout = Layout(folder)
    layer, _ = write_layer(layout, found, {})
    with tarfile.open(layout.path(layer.digest)) as archive:
        found_in_it = {member.name: member for member in archive}
        assert len(found_in_it) == len(archive.getmembers()), "engines refuse a path that is twice"
        return found_in_it


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
    assert json.loads(found.editor.files()[path]) == {"app-name": "Team"}


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


def migrated(folder: Path, found: Found) -> tuple[Layout, Descriptor]:
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
    from slipway.oci.archive import import_archive

    layout = Layout(tmp_path / "image")
    file = docker_archive(tmp_path / "a.tar", [PROGRAM, files()], {"User": "dev"})
    image = load_image(layout, import_archive(file, layout))
    found = examine(Inside(FileSystem(image)), "auto", add_user=False)
    store, made = migrated(tmp_path / "store", found)
    kinds = {d.media_type for d in store.walk(made)}
    assert all("vnd.docker" in kind for kind in kinds)


# The catalog


def code_server(tmp_path: Path, **settings: Any) -> Found:
    return found_in(tmp_path / "image", PROGRAM, files(), User="dev", **settings)


def project(folder: Path, catalog: str | None = None) -> Path:
    for name in ("environments", "releases"):
        (folder / name).mkdir(parents=True)
    text = (ROOT / "catalog.yaml").read_text() if catalog is None else catalog
    (folder / "catalog.yaml").write_text(text)
    local = (ROOT / "environments/local.yaml").read_text()
    (folder / "environments/local.yaml").write_text(local)
    return folder


@pytest.mark.parametrize(
    ("text", "name"),
    [("registry.example.org:5000/Team/My_VS.Code:v1", "my-vs-code"), ("./old.tar.gz", "old"),
     ("x@sha256:" + "0" * 64, "x"), ("/", "migrated"), ("a" * 99, "a" * 36)],
)  # fmt: skip
def test_a_name_is_made_from_the_images(text: str, name: str):
    assert entry.name_for(text) == name


def test_the_catalog_gets_its_entries_and_keeps_every_byte(tmp_path: Path):
    root = project(tmp_path / "project")
    before = (root / "catalog.yaml").read_text()
    found = code_server(tmp_path, Cmd=["code-server", "--locale=de"])
    name = entry.image_name("old", load(root).catalog)
    digest = "sha256:" + "0" * 64
    new = entry.entries(load(root).catalog, name, found.editor, found.home, f"old@{digest}")
    entry.write(root, new)
    after = (root / "catalog.yaml").read_text()
    rest = iter(after.splitlines())
    assert all(line in rest for line in before.splitlines()), "lines are only added"
    catalog = load(root).catalog
    assert catalog.images["old"].home == "/home/dev"
    assert catalog.routes["/old"].app == "code-2", "an app with other options is another app"
    assert catalog.apps["code-2"].arguments == ("--locale=de",)


def test_an_app_that_fits_is_used_again_and_names_do_not_clash(tmp_path: Path):
    root = project(tmp_path / "project")
    found = code_server(tmp_path)
    for wanted in ("vscode", "hub", "jupyter", "rstudio"):
        catalog = load(root).catalog
        name = entry.image_name(wanted, catalog)
        assert name == f"{wanted}-2"
        new = entry.entries(catalog, name, found.editor, found.home, name)
        assert not new["apps"]
        entry.write(root, new)
    assert load(root).catalog.profiles["vscode-2"].app == "code"


def test_a_catalog_without_the_block_gets_it_and_one_in_one_line_is_left_alone(tmp_path: Path):
    text = (
        "apps: {lab: {kind: jupyterlab}, code: {kind: code-server}}\n"
        "images:\n    base:\n        apps: [lab]\n\n"
        "# The only one.\nprofiles:\n    one: {title: One, image: base}"
    )
    root = project(tmp_path / "project", text)
    found = code_server(tmp_path)
    new = entry.entries(load(root).catalog, "old", found.editor, "/home/jovyan", "old")
    entry.write(root, new)
    assert load(root).catalog.routes["/old"].profile == "old"
    assert "\n\n# The only one.\nprofiles:" in (root / "catalog.yaml").read_text()
    other = code_server(tmp_path / "other", Cmd=["code-server", "--locale=de"])
    now = (root / "catalog.yaml").read_text()
    new = entry.entries(load(root).catalog, "new", other.editor, "/home/jovyan", "new")
    with pytest.raises(InvalidProject, match=r"catalog.yaml:1:7: apps: is not written"):
        entry.write(root, new)
    assert (root / "catalog.yaml").read_text() == now
