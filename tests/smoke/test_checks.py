"""What is concluded from what was seen."""

import asyncio

import httpx
import pytest
from slipway_hub.services import CULLER_SCOPES

from slipway.model import Environment, load
from slipway.smoke import hub_checks
from slipway.smoke.report import Checks, Failure, NotApplicable, NotEnforced
from tests.support.local import ROOT


def tried(act: object) -> str:
    checks = Checks(lambda _: None)

    async def once() -> str:
        if isinstance(act, BaseException):
            raise act
        return str(act)

    asyncio.run(checks.run("it", once()))
    return f"{checks.ok} {checks.done[0].verdict}: {checks.done[0].detail}"


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("seen", "True passed: seen"),
        (NotApplicable("none here"), "True not applicable: none here"),
        (Failure("broken"), "False failed: broken"),
        (NotEnforced("open"), "False not enforced: open"),
        # What could not be tried is never green.
        (httpx.ConnectError("gone"), "False failed: ConnectError: gone"),
        (KeyError("kernel"), "False failed: KeyError: 'kernel'"),
        (OSError("cut"), "False failed: OSError: cut"),
    ],
)
def test_a_verdict(act: object, said: str):
    assert tried(act) == said


def test_what_takes_too_long_has_failed():
    checks = Checks(lambda _: None)

    async def forever() -> str:
        await asyncio.Event().wait()
        return ""

    assert asyncio.run(checks.run("it", forever(), within=0.01)) is False
    assert "nothing within" in checks.done[0].detail


def test_no_checks_at_all_are_not_good():
    assert not Checks(lambda _: None).ok


def test_a_culler_that_may_more_or_less_is_red():
    def of(*scopes: str) -> dict[str, dict[str, list[str]]]:
        return {"services": {"culler": list(scopes)}}

    assert "delete:servers" in asyncio.run(hub_checks.culler(of(*CULLER_SCOPES)))
    with pytest.raises(NotEnforced, match="admin:users"):
        asyncio.run(hub_checks.culler(of(*CULLER_SCOPES, "admin:users")))
    with pytest.raises(Failure, match="cannot cull without delete:servers"):
        asyncio.run(hub_checks.culler(of(*(set(CULLER_SCOPES) - {"delete:servers"}))))


def environment(name: str) -> Environment:
    return load(ROOT, name).environment(name)


def test_a_login_elsewhere_must_lead_there_for_the_right_client():
    def login(client_id: str) -> str:
        to = f"https://github.com/login/oauth/authorize?client_id={client_id}"
        transport = httpx.MockTransport(lambda _: httpx.Response(302, headers={"Location": to}))

        async def ask() -> str:
            async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
                return await hub_checks.login_page(client, environment("dev"))

        return asyncio.run(ask())

    assert login("dev-client-id") == "leads to github.com"
    with pytest.raises(Failure, match="not a way to github for the client dev-client-id"):
        login("another")


def test_a_hub_that_runs_something_else_is_told_in_words():
    dev = environment("dev")
    catalog = dev.catalog
    told = {
        "release": "1.0.0",
        "routes": {path: catalog.route_target(path) for path in catalog.routes if path != "/lab"},
        "profiles": {slug: catalog.default_url(slug) for slug in catalog.profiles},
        "images": {name: dev.image_reference(name) for name in catalog.images},
    }
    with pytest.raises(Failure) as raised:
        asyncio.run(hub_checks.release(told, dev))
    assert "the hub runs release 1.0.0, not working-tree" in str(raised.value)
    assert "routes: /lab is nothing in the hub and /lab in the files" in str(raised.value)
    assert "images" not in str(raised.value)
