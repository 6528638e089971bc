"""What users see of a change, in their words."""

from collections.abc import Iterable, Iterator
from itertools import chain

from slipway.model import Catalog, Environment, Profile, Project
from slipway.model.problems import listed
from slipway.release.diff.changes import UserChange, shown
from slipway.release.diff.inputs import DiffInput, of_version


class _Both:
    """Two sides, and what they have in common."""

    def __init__(self, old: DiffInput, new: DiffInput) -> None:
        assert old.environment
        assert new.environment
        self.old_side, self.new_side = old, new
        self.old: Environment = old.environment
        self.new: Environment = new.environment
        self.before: Catalog = self.old.catalog
        self.after: Catalog = self.new.catalog


def user_changes(old: DiffInput, new: DiffInput) -> list[UserChange]:
    """Every change that a user or their support would notice, the most visible first."""
    if new.environment is None:
        return [UserChange("removed", "environment", "there is no such hub any more")]
    if old.environment is None:
        return [UserChange("added", "environment", "a new hub")]
    parts = (_profiles, _routes, _apps, _programs, _images, _platform, _environment)
    both = _Both(old, new)
    return list(chain.from_iterable(part(both) for part in parts))


def users_see(project: Project, environment: str, before: str, after: str) -> list[str]:
    """What they see when an environment runs `after` in place of `before`: versions, or
    `working-tree`. Raises InvalidProject."""
    old, new = (of_version(project, environment, version) for version in (before, after))
    return [change.text for change in user_changes(old, new)]


def _changed(subject: str, text: str) -> UserChange:
    return UserChange("changed", subject, text)


def _profiles(both: _Both) -> Iterator[UserChange]:
    old, new = both.before.profiles, both.after.profiles
    for name, profile in new.items():
        if name not in old:
            text = f"new profile {profile.title}, visible to {_who(profile.groups)}"
            yield UserChange("added", f"profile {name}", text)
    for name, profile in old.items():
        if name not in new:
            yield UserChange("removed", f"profile {name}", f"profile {profile.title} is gone")
        else:
            for text in _profile(both, name):
                yield _changed(f"profile {name}", text)
    if [n for n in old if n in new] != [n for n in new if n in old]:
        titles = listed(profile.title for profile in new.values())
        yield _changed("profiles", f"profiles are shown in another order: {titles}")
    if both.before.default_profile != both.after.default_profile:
        first, then = (_default(catalog) for catalog in (both.before, both.after))
        yield _changed("profiles", f"a login leads to {then} instead of {first}")


def _default(catalog: Catalog) -> str:
    name = catalog.default_profile
    return catalog.profiles[name].title if name else "the choice of profiles"


def _profile(both: _Both, name: str) -> Iterator[str]:
    old, new = both.before.profiles[name], both.after.profiles[name]
    title = new.title
    if old.title != title:
        yield f"{old.title} is called {title} now"
    if old.description != new.description:
        yield f"{title} is described as {new.description or 'nothing'!r}"
    first, then = both.before.default_url(name), both.after.default_url(name)
    if first != then:
        yield f"{title} opens at `{_path(then)}` instead of `{_path(first)}`"
    if old.groups != new.groups:
        yield f"{title} is visible to {_who(new.groups)} instead of {_who(old.groups)}"
    yield from _apps_of(both, name)
    yield from _resources(title, old, new)
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


def _apps_of(both: _Both, profile: str) -> Iterator[str]:
    def labels(catalog: Catalog) -> dict[str, str]:
        image = catalog.profiles[profile].image
        return {name: app.label for name, app in catalog.apps_of(image).items()}

    old, new, title = labels(both.before), labels(both.after), both.after.profiles[profile].title
    if gained := [label for name, label in new.items() if name not in old]:
        yield f"{title} offers {listed(gained)}"
    if lost := [label for name, label in old.items() if name not in new]:
        yield f"{title} no longer offers {listed(lost)}"


def _resources(title: str, old: Profile, new: Profile) -> Iterator[str]:
    first, then = old.resources, new.resources
    pairs = [
        ("may use", "memory", first.memory.limit, then.memory.limit),
        ("is sure of", "memory", first.memory.guarantee, then.memory.guarantee),
        ("may use", "CPU", _cores(first.cpu.limit), _cores(then.cpu.limit)),
        ("is sure of", "CPU", _cores(first.cpu.guarantee), _cores(then.cpu.guarantee)),
        ("gets", "GPU", str(first.gpu), str(then.gpu)),
        ("may use", "shared memory", first.shared_memory, then.shared_memory),
    ]
    for verb, what, was, now in pairs:
        if was != now:
            open_end = "any amount" if verb == "may use" else "none"
            yield f"{title} {verb} {now or open_end} instead of {was or open_end} of {what}"


def _cores(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def _routes(both: _Both) -> Iterator[UserChange]:
    old, new = both.before.routes, both.after.routes

    def target(catalog: Catalog, path: str) -> str:
        route = catalog.routes[path]
        return f"{catalog.apps[route.app].label} in {catalog.profiles[route.profile].title}"

    for path in new:
        if path not in old:
            text = f"new route `{path}` to {target(both.after, path)}"
            yield UserChange("added", f"route {path}", text)
    for path in old:
        if path not in new:
            yield UserChange("removed", f"route {path}", f"`{path}` leads nowhere any more")
        elif old[path] != new[path]:
            first, then = target(both.before, path), target(both.after, path)
            yield _changed(f"route {path}", f"`{path}` leads to {then} instead of {first}")


def _apps(both: _Both) -> Iterator[UserChange]:
    """Which profiles gain or lose an app is said of the profiles."""
    for name, app in both.after.apps.items():
        old = both.before.apps.get(name)
        if old is None or old == app:
            continue
        first, then = (one.model_dump(mode="json") for one in (old, app))
        for field in sorted({*first, *then}):
            was, now = first.get(field), then.get(field)
            if was != now:
                text = f"{app.label} has {field} {shown(now)} instead of {shown(was)}"
                yield _changed(f"app {name}", text)


def _programs(both: _Both) -> Iterator[UserChange]:
    """Only where both sides know what is in their images."""
    old, new = both.old_side.programs, both.new_side.programs
    for image in (name for name in new if name in old):
        for program, version in new[image].items():
            was = old[image].get(program)
            if was != version:
                text = f"{program} {was} → {version}" if was else f"{program} {version} is new"
                yield _changed(f"image {image}", f"{text} (image {image})")
        for program in sorted(set(old[image]) - set(new[image])):
            yield _changed(f"image {image}", f"{program} is gone (image {image})")


def _images(both: _Both) -> Iterator[UserChange]:
    old, new = both.before.images, both.after.images
    for name in (name for name in new if name not in old):
        yield UserChange("added", f"image {name}", f"new image {name}")
    for name in (name for name in old if name not in new):
        yield UserChange("removed", f"image {name}", f"image {name} is gone")
    for name in (name for name in new if name in old):
        first, then = old[name], new[name]
        for argument in sorted({*first.arguments, *then.arguments}):
            was, now = first.arguments.get(argument), then.arguments.get(argument)
            if was != now:
                text = f"image {name} is built with {argument} {now or 'left out'}"
                yield _changed(f"image {name}", f"{text} instead of {was or 'none'}")
        if first.home != then.home:
            yield _changed(f"image {name}", f"homes are at {then.home} in image {name}")
    known = both.old_side.digests, both.new_side.digests
    for name in known[1]:
        if name in known[0] and known[0][name] != known[1][name]:
            yield _changed(f"image {name}", f"image {name} is another one")


def _platform(both: _Both) -> Iterator[UserChange]:
    old, new = both.old.versions, both.new.versions
    if old.kubernetes != new.kubernetes:
        yield _changed("platform", f"Kubernetes {old.kubernetes} → {new.kubernetes}")
    for addon in sorted({*old.addons, *new.addons}):
        first, then = old.addons.get(addon, "EKS's default"), new.addons.get(addon, "EKS's default")
        if first != then:
            yield _changed("platform", f"{addon} {first} → {then}")


def _environment(both: _Both) -> Iterator[UserChange]:
    """Between commits: what of the environment's own file users feel."""
    old, new = both.old.spec, both.new.spec
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
    domains = getattr(old, "domain", None), getattr(new, "domain", None)
    if domains[0] != domains[1]:
        yield _changed("environment", f"the hub is at {domains[1]} instead of {domains[0]}")
