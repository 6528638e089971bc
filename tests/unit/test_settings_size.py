"""Hub settings travel in one object of a deploy: 200 profiles fit, and what does not is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.model import Environment, InvalidProject
from slipway.settings.hub import SETTINGS_LIMIT, settings_json
from tests.charts.conftest import environment_on_cluster


def with_profiles(count: int, description: str) -> Environment:
    """Each with a route, a group, a description and a variable of its own."""
    environment = environment_on_cluster("dev")
    profile, route = environment.catalog.profiles["vscode"], environment.catalog.routes["/code"]
    own = {
        f"team-{n:03}": profile.model_copy(
            update={
                "title": f"Workbench of team {n}",
                "description": description,
                "groups": (f"team-{n:03}",),
                "environment": {"TEAM": f"team-{n:03}"},
            }
        )
        for n in range(count)
    }
    routes = {f"/{name}": route.model_copy(update={"profile": name}) for name in own}
    catalog = environment.catalog.model_copy(update={"profiles": own, "routes": routes})
    return replace(environment, catalog=catalog)


def test_two_hundred_profiles_stay_below_the_limit():
    ordinary = "Python, VS Code and JupyterLab for the data people of this team"
    size = len(settings_json(with_profiles(200, ordinary)).encode())
    print(f"{size:,} bytes")
    assert size < SETTINGS_LIMIT


def test_what_a_deploy_cannot_carry_is_refused_with_what_to_do():
    with pytest.raises(InvalidProject, match=r"200 profiles make .* shorten descriptions"):
        settings_json(with_profiles(200, "x" * 500))


def test_settings_say_nothing_of_this_machine():
    assert str(Path.home()) not in settings_json(environment_on_cluster("kube"))
