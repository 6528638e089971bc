"""The model of an environment: load, validate, point at the line. Knows neither CDK nor cdk8s."""

from slipway.model.catalog import Catalog, Image, Profile, Route
from slipway.model.eks import EksSpec
from slipway.model.environment import Environment
from slipway.model.kubernetes import KubernetesSpec
from slipway.model.problems import InvalidProject, Problem
from slipway.model.project import Project, find_root, load
from slipway.model.release import Release
from slipway.model.specs import ClusterSpec, LocalSpec

__all__ = [
    "Catalog",
    "ClusterSpec",
    "EksSpec",
    "Environment",
    "Image",
    "InvalidProject",
    "KubernetesSpec",
    "LocalSpec",
    "Problem",
    "Profile",
    "Project",
    "Release",
    "Route",
    "find_root",
    "load",
]
