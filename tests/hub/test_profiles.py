"""Profiles: the form, the choice, the groups, and the API, against a real hub."""

from tests.support.local import Hub, User


def spawn(user: User, options: object) -> tuple[int, str]:
    answer = user.client.post(
        f"/hub/api/users/{user.name}/server", json=options, headers=user._api()
    )
    return answer.status_code, answer.text


def test_the_form_shows_the_open_profiles_with_the_default_chosen(hub: Hub):
    page = hub.user("chooser").get("/hub/spawn").text
    assert 'value="vscode" required checked' in page
    assert 'value="rstudio"' in page
    assert 'value="secret"' not in page


def test_choosing_in_the_form_starts_that_profile(hub: Hub):
    user = hub.user("former")
    user.get("/hub/spawn")
    form = {"profile": "rstudio", "_xsrf": user.xsrf()}
    assert user.client.post("/hub/spawn", data=form).status_code == 302
    user.wait(lambda: user.servers().get("", {}).get("ready"))
    assert user.servers()[""]["user_options"] == {"profile": "rstudio"}


def test_without_a_choice_the_default_profile_starts_and_is_remembered(hub: Hub):
    user = hub.user("choiceless")
    assert spawn(user, {})[0] in (201, 202)
    user.wait(lambda: user.servers().get("", {}).get("ready"))
    assert user.servers()[""]["user_options"] == {"profile": "vscode"}


def test_a_profile_of_a_group_is_refused_to_others(hub: Hub):
    status, text = spawn(hub.user("outsider"), {"profile": "secret"})
    assert status == 403
    assert "not open to you" in text


def test_an_unknown_or_malformed_profile_is_refused_with_those_there_are(hub: Hub):
    for wrong in ("nope", ["vscode"], 7):
        status, text = spawn(hub.user("mistaken"), {"profile": wrong})
        assert status == 400
        assert "vscode, streamlit, rstudio" in text


def test_a_named_server_starts_its_own_profile_only(hub: Hub):
    user = hub.user("namer")
    for server, profile in (("rstudio-server", "vscode"), ("anything", "vscode")):
        answer = user.client.post(
            f"/hub/api/users/namer/servers/{server}",
            json={"user_options": {"profile": profile}},
            headers=user._api(),
        )
        assert answer.status_code == 400
        assert "vscode starts as vscode-server" in answer.text


def test_a_refused_choice_is_forgotten(hub: Hub):
    user = hub.user("forgetful")
    assert spawn(user, {"profile": "nope"})[0] == 400
    assert spawn(user, {})[0] in (201, 202)


def test_what_ran_last_is_what_the_next_login_starts(hub: Hub):
    user = hub.user("returning")
    user.start("rstudio")
    user.stop()
    answer = user.get("/hub/user-redirect/")
    assert "opt-profile=rstudio" in answer.headers["location"]


def test_a_home_is_seeded_once(hub: Hub):
    user = hub.user("seeded")
    user.start("vscode")
    sample = hub.home("seeded") / "examples/streamlit_app.py"
    assert sample.is_file()
    sample.unlink()
    user.stop()
    user.start("vscode")
    assert not sample.exists()
