"""RStudio where it is installed, through the real jupyter-rsession-proxy, and where it is not."""

from tests.support.local import Hub


def launcher_titles(hub: Hub, user: str, server: str = "") -> list[str]:
    page = hub.user(user).visit(f"/user/{user}/{server}server-proxy/servers-info")
    return [item["launcher_entry"]["title"] for item in page.json()["server_processes"]]


def test_rstudio_opens_where_it_is_installed(rserver_hub: Hub):
    user = rserver_hub.user("ada")
    answer = user.visit("/rstudio/?a=1")
    assert answer.status_code == 200
    assert "stand-in for rserver" in answer.text
    assert answer.url.path == "/user/ada/rstudio/"
    assert launcher_titles(rserver_hub, "ada").count("RStudio") == 1


def test_where_it_is_not_its_tile_explains_how_to_get_it(hub: Hub):
    user = hub.user("r-less")
    answer = user.visit("/rstudio")
    assert answer.status_code == 503
    assert "<code>rserver</code> is not installed" in answer.text
    assert "posit.co" in answer.text
    assert launcher_titles(hub, "r-less").count("RStudio") == 1


def test_an_image_without_rstudio_has_no_tile(hub: Hub):
    user = hub.user("pythonista")
    user.visit("/lab")
    assert "RStudio" not in launcher_titles(hub, "pythonista")
