"""Idle timeout: when servers that nobody uses are stopped."""

from typing import Self

from pydantic import model_validator

from slipway.model.base import Model, refuse
from slipway.model.quantities import Duration, seconds


class Culling(Model):
    """When servers nobody uses are stopped."""

    idle: Duration = "1h"
    """Stop a server after this long without activity."""
    every: Duration = "10m"
    """How often to look."""
    max_age: Duration | None = None
    """Stop a server after this long even if it is in use."""

    @model_validator(mode="after")
    def _looks_often_enough(self) -> Self:
        if seconds(self.every) > seconds(self.idle):
            raise refuse(
                f"every ({self.every}) is longer than idle ({self.idle})", "look more often"
            )
        return self
