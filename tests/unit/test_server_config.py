"""What an image's Jupyter server is told about its apps."""

import json
from pathlib import Path

import pytest
from jupyter_server_proxy.config import ServerProcess
from slipway_datapath.activity import rule
from slipway_datapath.settings import DataPath
from traitlets.config import Config

from slipway.model import load
from slipway.model.apps import ICONS, JupyterLab
from slipway.model.apps.activity import Activity
from slipway.model.apps.code_server import CodeServer
from slipway.settings.server import UserImagePaths, server_config, write_server_config
from tests.support.local import ROOT

PATHS = UserImagePaths(python="/opt/jupyter/bin/python", icons="/opt/jupyter/share/slipway/icons")


def servers(image: str, **options) -> dict:
    catalog = load(ROOT).catalog
    return server_config(catalog.apps_of(image), PATHS, **options)["ServerProxy"]["servers"]


def data_path(image: str) -> dict:
    return server_config(load(ROOT).catalog.apps_of(image), PATHS)["DataPath"]


def test_every_app_with_a_process_is_configured_and_jupyters_own_are_not():
    assert set(servers("streamlit")) == {"code", "dashboard", "tensorboard"}


def test_apps_are_reached_through_our_transport():
    config = server_config(load(ROOT).catalog.apps_of("code-server"), PATHS)
    extensions = config["ServerApp"]["jpserver_extensions"]
    assert extensions == {"jupyter_server_proxy": False, "slipway_datapath": True}


def test_an_editor_that_listens_before_it_has_pages_is_waited_for():
    config = server_config(load(ROOT).catalog.apps_of("code-server"), PATHS)
    assert config["DataPath"]["ready_paths"] == {"code": "/"}


def test_every_tile_is_in_a_category_that_has_an_icon():
    """JupyterLab shows jupyter-server-proxy's icons in two categories, and blanks in others."""
    for server in servers("code-server").values():
        assert server["launcher_entry"]["category"] in ("Notebook", "Console")


def test_jupyter_server_proxy_knows_every_key():
    """It would only warn about one it does not know."""
    known = set(ServerProcess.class_trait_names())
    for server in servers("streamlit").values():
        assert set(server) <= known
        assert set(server["launcher_entry"]) <= {
            "enabled", "icon_path", "title", "path_info", "category",
        }  # fmt: skip


def test_commands_format_with_what_jupyter_server_proxy_fills_in():
    for image in ("streamlit", "rstudio"):
        for server in servers(image, missing={"rstudio"}).values():
            for part in server["command"]:
                part.format(port=1, unix_socket="/s", base_url="/user/x/")


def test_code_server_listens_on_a_socket_for_its_user_alone():
    code = servers("code-server")["code"]
    assert code["unix_socket"] is True
    assert "--socket-mode=0600" in code["command"]


def test_a_code_server_of_ones_own_cannot_be_told_to_listen_elsewhere():
    app = CodeServer(
        kind="code-server", program="/opt/{x}/code-server", arguments=("--auth=password",)
    )
    command = server_config({"code": app}, PATHS)["ServerProxy"]["servers"]["code"]["command"]
    own = [part.format(unix_socket="/s") for part in command[command.index("--") + 1 :]]
    assert own[:3] == ["/opt/{x}/code-server", "--auth=password", "--auth=none"]


@pytest.mark.parametrize(("keys", "disabled"), [({}, False), ({"workspace_trust": False}, True)])
def test_vs_code_asks_before_it_trusts_a_folder_unless_the_catalog_says_otherwise(
    keys: dict, disabled: bool
):
    app = CodeServer(kind="code-server", **keys)
    command = server_config({"code": app}, PATHS)["ServerProxy"]["servers"]["code"]["command"]
    assert ("--disable-workspace-trust" in command) is disabled


def test_shiny_listens_on_a_socket_for_its_user_alone():
    shiny = servers("rstudio")["shiny"]
    assert shiny["unix_socket"] is True
    assert shiny["command"][-1] == "{unix_socket}"
    assert "mask = strtoi('177', 8L)" in shiny["command"][-3]


def test_rstudio_is_left_to_its_entry_point_unless_it_must_be_explained():
    assert "rstudio" not in servers("rstudio")
    explained = servers("rstudio", missing={"rstudio"})["rstudio"]
    assert explained["launcher_entry"]["title"] == "RStudio"


def test_each_kind_says_what_is_work():
    activity = data_path("streamlit")["activity"]
    assert activity["code"]["websocket"] == "vscode"
    assert activity["dashboard"]["websocket"] == "input"
    assert "^/data/" in activity["tensorboard"]["heartbeats"]
    assert "^/events/get_events$" in data_path("rstudio")["activity"]["rstudio"]["heartbeats"]


def test_the_catalog_adds_heartbeats_and_replaces_the_rest():
    own = Activity(heartbeats=("^/x$",), websocket="work")
    apps = {
        "code": CodeServer(kind="code-server", activity=own),
        "lab": JupyterLab(kind="jupyterlab", activity=Activity(heartbeats=("^/poll$",))),
    }
    config = server_config(apps, PATHS)["DataPath"]
    assert config["activity"]["code"]["websocket"] == "work"
    assert {"^/x$", "^/healthz$"} <= set(config["activity"]["code"]["heartbeats"])
    assert {"^/poll$", "^/lab/api/workspaces/"} <= set(config["heartbeats"])


def test_only_who_is_trusted_gets_credentials():
    assert data_path("streamlit")["trusted_with_credentials"] == []
    app = CodeServer(kind="code-server", trusted_with_credentials=True)
    config = server_config({"code": app}, PATHS)["DataPath"]
    assert config["trusted_with_credentials"] == ["code"]


def test_our_transport_understands_every_rule():
    config = DataPath(config=Config({"DataPath": data_path("streamlit") | data_path("rstudio")}))
    assert config.activity
    for says in config.activity.values():
        assert rule(says).requests


def test_every_icon_exists():
    for image in ("streamlit", "rstudio"):
        for server in servers(image, missing={"rstudio"}).values():
            assert (ICONS / Path(server["launcher_entry"]["icon_path"]).name).is_file()


def test_the_file_is_replaced_whole(tmp_path: Path):
    for value in ({"a": 1}, {"b": 2}):
        write_server_config(tmp_path, value)
    assert [file.name for file in tmp_path.iterdir()] == ["jupyter_server_config.json"]
    assert json.loads((tmp_path / "jupyter_server_config.json").read_text()) == {"b": 2}
