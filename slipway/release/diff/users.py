"""What users see of a change, in their words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slipway.model import Catalog, Image, Profile, Project
from slipway.model.catalog import Resources
from slipway.model.problems import listed
from slipway.model.release import PlatformVersions
from slipway.model.specs import EnvironmentSpec
from slipway.release.diff.access import access_changes
from slipway.release.diff.changes import UserChange, shown
from slipway.release.diff.inputs import DiffInput, of_version

Programs = Mapping[str, Mapping[str, str]]
"""Versions by image and program."""
ANY_VERSION = "EKS's default"
"""Of an add-on that the platform does not pin."""


def user_changes(old: DiffInput, new: DiffInput) -> list[UserChange]:
    """Every change that a user or their support would notice, the most visible first."""
    before, after = old.environment, new.environment
    if after is None:
        return [UserChange("removed", "environment", "there is no such hub any more")]
    if before is None:
        return [UserChange("added", "environment", "a new hub")]
    return [
        *_profiles(before.catalog, after.catalog),
        *_routes(before.catalog, after.catalog),
        *_apps(before.catalog, after.catalog),
        *_programs(old.programs, new.programs),
        *_images(before.catalog.images, after.catalog.images),
        *_digests(old.digests, new.digests),
        *_platform(before.versions, after.versions),
        *_environment(before.spec, after.spec),
    ]


def users_see(project: Project, environment: str, before: str, after: str) -> list[str]:
    """What they see when an environment runs `after` in place of `before`: versions, or
    `working-tree`. Raises InvalidProject."""
    old, new = (of_version(project, environment, version) for version in (before, after))
    return [change.text for change in user_changes(old, new)]


def _changed(subject: str, text: str) -> UserChange:
    return UserChange("changed", subject, text)


def _profiles(before: Catalog, after: Catalog) -> Iterator[UserChange]:
    old, new = before.profiles, after.profiles
    for name, profile in new.items():
        if name not in old:
            text = f"new profile {profile.title}, visible to {_who(profile.groups)}"
            yield UserChange("added", f"profile {name}", text)
    for name, profile in old.items():
        if name not in new:
            yield UserChange("removed", f"profile {name}", f"profile {profile.title} is gone")
        else:
            for text in _profile(name, before, after):
                yield _changed(f"profile {name}", text)
    if [n for n in old if n in new] != [n for n in new if n in old]:
        titles = listed(profile.title for profile in new.values())
        yield _changed("profiles", f"profiles are shown in another order: {titles}")
    if before.default_profile != after.default_profile:
        was, now = _default(before), _default(after)
        yield _changed("profiles", f"a login leads to {now} instead of {was}")


def _default(catalog: Catalog) -> str:
    name = catalog.default_profile
    return catalog.profiles[name].title if name else "the choice of profiles"


def _profile(name: str, before: Catalog, after: Catalog) -> Iterator[str]:
    old, new = before.profiles[name], after.profiles[name]
    title = new.title
    if old.title != title:
        yield f"{old.title} is called {title} now"
    if old.description != new.description:
        yield f"{title} is described as {new.description or 'nothing'!r}"
    was, now = before.default_url(name), after.default_url(name)
    if was != now:
        yield f"{title} opens at `{_path(now)}` instead of `{_path(was)}`"
    if old.groups != new.groups:
        yield f"{title} is visible to {_who(new.groups)} instead of {_who(old.groups)}"
    labels, labels_now = _labels(before, old), _labels(after, new)
    if gained := [label for app, label in labels_now.items() if app not in labels]:
        yield f"{title} offers {listed(gained)}"
    if lost := [label for app, label in labels.items() if app not in labels_now]:
        yield f"{title} no longer offers {listed(lost)}"
    yield from (f"{title} {text}" for text in _resources(old.resources, new.resources))
    if old.image != new.image:
        yield f"{title} runs in the image {new.image} instead of {old.image}"
    if old.nodes != new.nodes:
        yield f"{title} runs on {new.nodes} nodes instead of {old.nodes}"
    for variable in sorted({*old.environment, *new.environment}):
        if old.environment.get(variable) != new.environment.get(variable):
            kept = "has another" if variable in new.environment else "loses the"
            verb = kept if variable in old.environment else "gets the"
            yield f"{title} {verb} variable {variable}"


def _path(url: str) -> str:
    """`/code` for `/code/`: as users write it."""
    return url.rstrip("/") or "/"


def _who(groups: Iterable[str]) -> str:
    names = list(groups)
    return f"group{'s' * (len(names) > 1)} {listed(names)}" if names else "everybody"


def _labels(catalog: Catalog, profile: Profile) -> dict[str, str]:
    return {name: app.label for name, app in catalog.apps_of(profile.image).items()}


def _resources(old: Resources, new: Resources) -> Iterator[str]:
    pairs = [
        ("may use", "memory", old.memory.limit, new.memory.limit),
        ("is sure of", "memory", old.memory.guarantee, new.memory.guarantee),
        ("may use", "CPU", _cores(old.cpu.limit), _cores(new.cpu.limit)),
        ("is sure of", "CPU", _cores(old.cpu.guarantee), _cores(new.cpu.guarantee)),
        ("gets", "GPU", str(old.gpu), str(new.gpu)),
        ("may use", "shared memory", old.shared_memory, new.shared_memory),
    ]
    for verb, what, was, now in pairs:
        if was != now:
            open_end = "any amount" if verb == "may use" else "none"
            yield f"{verb} {now or open_end} instead of {was or open_end} of {what}"


def _cores(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def _routes(before: Catalog, after: Catalog) -> Iterator[UserChange]:
    old, new = before.routes, after.routes
    for path in new:
        if path not in old:
            text = f"new route `{path}` to {_target(after, path)}"
            yield UserChange("added", f"route {path}", text)
    for path in old:
        if path not in new:
            yield UserChange("removed", f"route {path}", f"`{path}` leads nowhere any more")
        elif old[path] != new[path]:
            was, now = _target(before, path), _target(after, path)
            yield _changed(f"route {path}", f"`{path}` leads to {now} instead of {was}")


def _target(catalog: Catalog, path: str) -> str:
    route = catalog.routes[path]
    return f"{catalog.apps[route.app].label} in {catalog.profiles[route.profile].title}"


def _apps(before: Catalog, after: Catalog) -> Iterator[UserChange]:
    """Which profiles gain or lose an app is said of the profiles."""
    for name, app in after.apps.items():
        if name not in before.apps:
            continue
        old, new = (side.model_dump(mode="json") for side in (before.apps[name], app))
        for field, was, now in _differing(old, new):
            text = f"{app.label} has {field} {shown(now)} instead of {shown(was)}"
            yield _changed(f"app {name}", text)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Keys whose value is another one or on one side only, with the value before and after."""
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield key, old.get(key), new.get(key)


def _programs(old: Programs, new: Programs) -> Iterator[UserChange]:
    """Only where both sides know what is in their images."""
    for image in (name for name in new if name in old):
        for program, version in new[image].items():
            was = old[image].get(program)
            if was != version:
                text = f"{program} {was} → {version}" if was else f"{program} {version} is new"
                yield _changed(f"image {image}", f"{text} (image {image})")
        for program in sorted(set(old[image]) - set(new[image])):
            yield _changed(f"image {image}", f"{program} is gone (image {image})")


def _images(old: Mapping[str, Image], new: Mapping[str, Image]) -> Iterator[UserChange]:
    for name in (name for name in new if name not in old):
        yield UserChange("added", f"image {name}", f"new image {name}")
    for name in (name for name in old if name not in new):
        yield UserChange("removed", f"image {name}", f"image {name} is gone")
    for name in (name for name in new if name in old):
        for argument, was, now in _differing(old[name].arguments, new[name].arguments):
            text = f"image {name} is built with {argument} {now or 'left out'}"
            yield _changed(f"image {name}", f"{text} instead of {was or 'none'}")
        if old[name].home != new[name].home:
            yield _changed(f"image {name}", f"homes are at {new[name].home} in image {name}")


def _digests(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[UserChange]:
    for name in new:
        if name in old and old[name] != new[name]:
            yield _changed(f"image {name}", f"image {name} is another one")


def _platform(old: PlatformVersions, new: PlatformVersions) -> Iterator[UserChange]:
    if old.kubernetes != new.kubernetes:
        yield _changed("platform", f"Kubernetes {old.kubernetes} → {new.kubernetes}")
    for addon, was, now in _differing(old.addons, new.addons):
        yield _changed("platform", f"{addon} {was or ANY_VERSION} → {now or ANY_VERSION}")


def _environment(old: EnvironmentSpec, new: EnvironmentSpec) -> Iterator[UserChange]:
    """Between commits: what of the environment's own file users feel."""
    if old.title != new.title:
        yield _changed("environment", f"the hub is called {new.title or 'as ever'}")
    if old.culling.idle != new.culling.idle:
        text = f"idle servers stop after {new.culling.idle} instead of {old.culling.idle}"
        yield _changed("environment", text)
    if old.culling.max_age != new.culling.max_age:
        age = new.culling.max_age
        text = f"servers stop after {age}" if age else "servers no longer stop because of their age"
        yield _changed("environment", text)
    if old.auth.kind != new.auth.kind:
        yield _changed("environment", f"login is by {new.auth.kind} instead of {old.auth.kind}")
    yield from access_changes(old.auth, new.auth)
    was, now = (getattr(spec, "domain", None) for spec in (old, new))
    if was != now:
        yield _changed("environment", f"the hub is at {now} instead of {was}")
