"""Users' images as a cluster runs them: read-only root, no capabilities, no privileges."""

import re
import zipfile
from pathlib import Path

import pytest

from tests.images.conftest import MARK, USERS, Images
from tests.support.containers import HOME, container_of, free_ports, inside, podman, run
from tests.support.local import Hub, User
from tests.support.terminal import ask
from tests.support.vscode import greet, management

PYTHON = "/opt/jupyter/python/bin/python3"
SERVER = "/opt/jupyter/bin/python"


@pytest.fixture(scope="module")
def ada(hub: Hub) -> User:
    return landed(hub, "ada", "code-server")


def landed(hub: Hub, name: str, image: str) -> User:
    user = hub.user(name)
    user.start(image)
    assert user.visit(f"/user/{name}/lab").status_code == 200
    return user


def test_jupyterlab_answers(ada: User):
    assert "JupyterLab" in ada.visit("/user/ada/lab").text
    assert ada.visit("/user/ada/tree").status_code == 200


def test_vs_code_answers_and_its_websocket_leads_into_the_editor(ada: User):
    page = ada.visit("/user/ada/code/")
    assert page.status_code == 200
    assert "workbench" in page.text
    with management(ada, "/user/ada/code/") as connection:
        assert greet(connection) == "sign"


def test_a_port_of_the_container_is_reached_below_proxy(ada: User):
    (port,) = free_ports(1)
    podman(
        "exec", "--detach", container_of(ada), PYTHON, "-m", "http.server", "--bind=127.0.0.1",
        f"--directory={HOME}/examples", str(port),
    )  # fmt: skip
    ada.wait(lambda: ada.get(f"/user/ada/proxy/{port}/").status_code == 200)
    assert "streamlit_app.py" in ada.get(f"/user/ada/proxy/{port}/").text


def test_what_a_user_installs_is_there_at_once_and_changes_no_server(hub: Hub):
    user = landed(hub, "installer", "code-server")
    home = hub.folder / "homes/installer"
    wheel(home, "greeter", "word = 'hello'")
    # The server's own foundation, broken.
    wheel(home, "tornado", "raise RuntimeError")
    notebook = "%pip install -q --no-index --find-links . greeter tornado\n" + (
        "import greeter, sys\nprint(greeter.word, greeter.__file__, sys.executable)\n"
    )
    (home / "install.ipy").write_text(notebook)
    told = inside(user, "jupyter", "run", "install.ipy")
    assert f"hello {HOME}/.local/lib/" in told
    assert PYTHON.removesuffix("3") in told
    listed = inside(user, "pip", "list", "--format=freeze").split()
    assert {line.partition("==")[0] for line in listed} == {"greeter", "pip", "tornado"}
    where = inside(user, SERVER, "-c", "import tornado; print(tornado.__file__)")
    assert where.startswith("/opt/jupyter/")
    user.stop()
    assert landed(hub, "installer", "code-server").get("/user/installer/lab").status_code == 200


def test_a_container_has_no_more_than_its_home_and_tmp(ada: User):
    status = inside(ada, "cat", "/proc/self/status")
    assert re.search(r"^Uid:\s+1000\b", status, re.MULTILINE)
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    places = "/ /usr /opt/jupyter /run /var/tmp ~ /tmp"
    can_write = f"for place in {places}; do test -w $place && echo $place; done; true"
    assert inside(ada, "sh", "-c", can_write).split() == [HOME, "/tmp"]


def test_any_user_id_that_owns_the_home_will_do(hub: Hub):
    user = hub.user("stranger")
    answer = user.client.post(
        "/hub/api/users/stranger/server",
        json={"user_options": {"profile": "code-server", "uid": 4242}},
        headers=user._api(),
    )
    assert answer.status_code in (201, 202), answer.text
    assert user.visit("/user/stranger/lab").status_code == 200
    assert user.visit("/user/stranger/code/").status_code == 200
    assert inside(user, "id", "-u").strip() == "4242"
    user.stop()


def test_a_terminal_is_the_images_own_shell_with_its_own_libraries(ada: User):
    told = ask(ada, "grep -o '/[^ ]*$' /proc/$$/maps | sort -u; env")
    assert "/usr/bin/bash\n" in told
    assert "libc.so.6\n" in told
    assert not re.search(r"^/opt/jupyter", told, re.MULTILINE)
    assert not re.search(r"^(LD_|PYTHON|SSL_|VIRTUAL_ENV)", told, re.MULTILINE)
    assert ask(ada, "command -v python3 pip jupyter").split() == [
        PYTHON,
        "/opt/jupyter/python/bin/pip",
        "/opt/jupyter/bin/jupyter",
    ]


@pytest.mark.parametrize("app", ["dashboard", "tensorboard"])
def test_streamlit_and_tensorboard_answer(hub: Hub, app: str):
    user = landed(hub, f"viewer-{app}", "streamlit")
    assert user.visit(f"/user/{user.name}/{app}/").status_code == 200
    user.stop()


def test_a_dashboard_can_import_what_its_user_installed(hub: Hub):
    user = landed(hub, "author", "streamlit")
    home = hub.folder / "homes/author"
    wheel(home, "greeter", "word = 'hello'")
    inside(user, "pip", "install", "-q", "--no-index", "--find-links=.", "greeter")
    # A script as a module of the command's own interpreter: streamlit needs a browser to run one.
    (home / "show.py").write_text(
        "import runpy, sys\n"
        "sys.argv = ['/usr/local/bin/streamlit', 'version']\n"
        "try:\n    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit:\n    import greeter, pandas\n    print(greeter.word, pandas.__file__)\n"
    )
    told = inside(user, "python3", "show.py")
    assert "hello /opt/streamlit/" in told
    user.stop()


def test_rstudio_is_where_its_image_is_and_nowhere_else(hub: Hub, ada: User):
    user = landed(hub, "rita", "rstudio")
    # A stand-in for rserver, behind the real jupyter-rsession-proxy.
    assert "stand-in for rserver" in user.visit("/user/rita/rstudio/").text
    assert "rstudio" not in ada.get("/user/ada/server-proxy/servers-info").text
    assert user.visit("/user/rita/shiny/").status_code == 200
    assert "ir" in user.get("/user/rita/api/kernelspecs").json()["kernelspecs"]
    user.stop()


def test_rstudios_package_is_installed_but_never_started(images: Images):
    files = run(images["rstudio"], "ls", "/var/lib", "/usr/bin/killall")
    assert "/usr/bin/killall" in files  # a dependency of the package's
    assert "rstudio-server-was-started" not in files


@pytest.mark.parametrize("image", [*USERS, "hub", "proxy"])
def test_an_image_keeps_no_secret_and_no_way_to_another_user(images: Images, image: str):
    options = ("--user=0:0", "--cap-add=dac_read_search")
    search = f"grep -rlF '{MARK.strip()}' / --exclude-dir=proc --exclude-dir=sys; ls /run/secrets"
    assert run(images[image], "sh", "-c", f"{search} 2>/dev/null; true", options=options) == ""
    if image in USERS:
        privileged = ("find", "/", "-xdev", "-type", "f", "-perm", "/6000")
        assert run(images[image], *privileged, options=options) == ""


def wheel(folder: Path, name: str, code: str) -> None:
    """A wheel of one module."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", code)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
