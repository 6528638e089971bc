"""What users see when an environment runs another release."""

from slipway.model import Project
from slipway.release.diff.sides import sides
from slipway.release.diff.users import users


def for_users(project: Project, environment: str, before: str, after: str) -> list[str]:
    """In their words, the most visible first. Raises InvalidProject."""
    with sides(project, environment, before, after) as (old, new):
        return [change.text for change in users(old, new)]
