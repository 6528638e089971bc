"""The base of all settings."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Frozen; unknown keys are refused, because another version of the hub would mean them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
