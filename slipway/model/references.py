"""Checks between parts of the files: references, clashes, and what one part promises another."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from slipway import facts
from slipway.facts import ADDONS, HUB_IMAGES
from slipway.model.catalog import Catalog
from slipway.model.problems import Finding, did_you_mean, listed
from slipway.model.release import PlatformVersions, Release

HUB_PATHS = frozenset(
    [
        *("accept-share", "admin", "api", "favicon.ico", "health", "home", "hub", "login", "logo"),
        *("logout", "metrics", "oauth2", "oauth_login", "proxy", "robots.txt", "security"),
        *("services", "share", "spawn", "spawn-pending", "static", "stop", "token", "user"),
        *("user-redirect", "_chp_healthz"),
    ]
)
"""First path segments that JupyterHub, its proxy or Slipway itself answers."""

SERVER_PATHS = frozenset(
    [
        *("api", "consoles", "custom", "doc", "edit", "files", "hub", "kernelspecs", "lab"),
        *("login", "logout", "lsp", "metrics", "nbconvert", "nbextensions", "notebooks"),
        *("oauth_callback", "proxy", "server-proxy", "static", "terminals", "tree", "view"),
    ]
)
"""First path segments that a user's Jupyter server answers."""

SERVER_SUFFIX = "-server"
"""A profile's named server is `<profile>-server`: it shares its URL space with the apps."""


def check_catalog(catalog: Catalog) -> Iterator[Finding]:
    for check in (_apps, _images, _profiles, _routes):
        yield from check(catalog)


def check_platform(platform: PlatformVersions) -> Iterator[Finding]:
    for addon in sorted(set(platform.addons) - set(ADDONS)):
        yield Finding(("addons", addon), *unknown("add-on", addon, ADDONS), at_key=True)


def check_release(release: Release, name: str) -> Iterator[Finding]:
    if release.version != name:
        yield Finding(
            ("version",), f"{release.version} is not the file's name", f"write {name} or rename it"
        )
    for image in sorted({*release.catalog.images, *HUB_IMAGES} - set(release.images)):
        yield Finding(("images",), f"does not pin the image {image!r}", "freeze it again", True)
    for image, described in release.catalog.images.items():
        pinned = release.images.get(image)
        if pinned and described.reference and described.reference.partition("@")[2] != pinned:
            path = ("catalog", "images", image, "reference")
            yield Finding(path, f"is not the digest of images.{image}", "freeze it again")
    if release.digest != release.content_digest():
        yield Finding(
            ("digest",),
            "is not that of the file's content: it was edited after it was frozen",
            f"take it back (`git checkout {facts.release_file(name)}`) or freeze a new version",
        )
    for finding in check_catalog(release.catalog):
        yield finding._replace(path=("catalog", *finding.path))


def unknown(what: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    return f"there is no {what} {name!r}", did_you_mean(name, known)


def _apps(catalog: Catalog) -> Iterator[Finding]:
    servers = {f"{profile}{SERVER_SUFFIX}" for profile in catalog.profiles}
    for name, app in catalog.apps.items():
        path = ("apps", name)
        rename = "call the app something else"
        if app.fixed_name and name != app.fixed_name:
            message = f"an app of kind {app.fixed_name} cannot be called {name!r}"
            yield Finding(path, message, f"call it {app.fixed_name}", at_key=True)
        if name in SERVER_PATHS and app.server_process(name):
            yield Finding(path, f"/{name} belongs to the Jupyter server", rename, at_key=True)
        if name in servers:
            profile = name.removesuffix(SERVER_SUFFIX)
            message = f"/{name} is where the server of profile {profile} stands"
            yield Finding(path, message, rename, at_key=True)


def _images(catalog: Catalog) -> Iterator[Finding]:
    for name, image in catalog.images.items():
        if name in HUB_IMAGES:
            message = "is the name of one of Slipway's own images"
            yield Finding(("images", name), message, "rename it", at_key=True)
        for index, app in enumerate(image.apps):
            path = ("images", name, "apps", index)
            if app not in catalog.apps:
                yield Finding(path, *unknown("app", app, catalog.apps))
            elif app in image.apps[:index]:
                yield Finding(path, f"the app {app!r} is here twice", "remove one")


def _profiles(catalog: Catalog) -> Iterator[Finding]:
    default = catalog.default_profile
    if default and default not in catalog.profiles:
        yield Finding(("default_profile",), *unknown("profile", default, catalog.profiles))
    for name, profile in catalog.profiles.items():
        path = ("profiles", name)
        if profile.image not in catalog.images:
            yield Finding((*path, "image"), *unknown("image", profile.image, catalog.images))
            continue
        carried = catalog.images[profile.image].apps
        if profile.app and profile.app not in carried:
            yield Finding((*path, "app"), *_not_carried(catalog, profile.image, profile.app))
        if profile.default_url:
            first = profile.default_url.lstrip("/").partition("/")[0].partition("?")[0]
            if first and first not in SERVER_PATHS and first not in carried:
                yield Finding((*path, "default_url"), *_not_carried(catalog, profile.image, first))
            if ".." in profile.default_url.split("/"):
                yield Finding((*path, "default_url"), "leaves the user's server", "remove the ..")


def _routes(catalog: Catalog) -> Iterator[Finding]:
    for route_path, route in catalog.routes.items():
        path = ("routes", route_path)
        if route_path.split("/")[1] in HUB_PATHS:
            yield Finding(path, "belongs to JupyterHub", "choose another path", at_key=True)
        for above in map(str, PurePosixPath(route_path).parents):
            if above in catalog.routes:
                message = f"lies below the route {above}"
                yield Finding(path, message, "choose a path beside it", at_key=True)
        if route.app not in catalog.apps:
            yield Finding((*path, "app"), *unknown("app", route.app, catalog.apps))
        if route.profile not in catalog.profiles:
            place = (*path, "profile")
            yield Finding(place, *unknown("profile", route.profile, catalog.profiles))
            continue
        image = catalog.profiles[route.profile].image
        known = image in catalog.images and route.app in catalog.apps
        if known and route.app not in catalog.images[image].apps:
            yield Finding((*path, "app"), *_not_carried(catalog, image, route.app))


def _not_carried(catalog: Catalog, image: str, app: str) -> tuple[str, str]:
    if app not in catalog.apps:
        return unknown("app", app, catalog.apps)
    carried = listed(catalog.images[image].apps) or "none"
    return (
        f"the image {image!r} does not carry the app {app!r}",
        f"add it to images.{image}.apps or choose one of these: {carried}",
    )
