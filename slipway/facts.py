"""Names, ports, labels and tags that more than one part of Slipway uses.

Each is written here and nowhere else; `tests/unit/test_house.py` finds a second owner. This
module imports nothing, so that any command may read it without starting Node or loading boto3.
"""

# Stacks of an environment on AWS.

REGISTRY_STACK = "registry"
NETWORK_STACK = "network"
DATA_STACK = "data"
PIPELINE_STACK = "pipeline"
CLUSTER_STACK = "cluster"
HUB_STACK = "hub"
OBSERVABILITY_STACK = "observability"

LONG_LIVED_STACKS = (REGISTRY_STACK, NETWORK_STACK, DATA_STACK, PIPELINE_STACK)
"""Survive a teardown. In the order of deployment."""
DISPOSABLE_STACKS = (CLUSTER_STACK, HUB_STACK, OBSERVABILITY_STACK)
"""Go with a teardown, in the opposite order; come back with `slipway recreate`."""
STACKS = (*LONG_LIVED_STACKS, *DISPOSABLE_STACKS)
"""In the order of deployment."""


def stack_name(environment: str, stack: str) -> str:
    """What CloudFormation calls a stack of an environment."""
    return f"{environment}-{stack}"


# Names in an AWS account.

NAMESPACE = "slipway"
"""The Kubernetes namespace on EKS, and the first part of every name in an AWS account."""


def cluster_name(environment: str) -> str:
    """Name of the EKS cluster; its controllers tag everything they make with it."""
    return f"{NAMESPACE}-{environment}"


def repository_name(image: str) -> str:
    """Name of an image's repository in ECR."""
    return f"{NAMESPACE}/{image}"


def secret_name(environment: str, file: str) -> str:
    """Name in Secrets Manager of what the hub or its proxy reads from `file`."""
    return f"{NAMESPACE}/{environment}/{file}"


def deploy_role_name(environment: str) -> str:
    """Name of the IAM role of GitHub's workflows; pass `*` to match any environment's."""
    return f"{NAMESPACE}-{environment}-deploy"


def push_role_name(environment: str) -> str:
    """Name of the IAM role of the workflow that builds images."""
    return f"{NAMESPACE}-{environment}-push"


def promotion_role_name(environment: str) -> str:
    """Name of the IAM role that another account assumes to promote from here; `*` matches any."""
    return f"{NAMESPACE}-{environment}-promotion"


def bootstrap_role_arn(role: str, account: str, region: str) -> str:
    """Of a role that `cdk bootstrap` creates: `deploy`, `file-publishing`, `lookup`, …"""
    return f"arn:aws:iam::{account}:role/cdk-hnb659fds-{role}-role-{account}-{region}"


GITHUB_TOKENS = "token.actions.githubusercontent.com"
"""Who issues the tokens of GitHub's workflows."""

CLUSTER_LOG_GROUPS = "/aws/eks/{cluster}/"
CONTAINER_LOG_GROUPS = "/aws/containerinsights/{cluster}/"
"""How names of CloudWatch log groups of a cluster begin."""

SNAPSHOTS_PREFIX = "hub-database/"
RECORDS_PREFIX = "records/"
"""How keys in the data stack's bucket begin: database snapshots; smoke tests and promotions."""

ENVIRONMENT_TAG = "slipway:environment"
RELEASE_TAG = "slipway:release"
PURGE_TAG = "slipway:purge"
"""Tags of AWS resources. The last one marks a file system whose backups are being deleted."""
CLUSTER_TAG = "eks:eks-cluster-name"
"""Auto Mode's, on what its controllers make."""

# Releases and images.

WORKING_TREE = "working-tree"
"""In place of a version: the catalog as it stands. Also the tag of images that no release pins."""
HUB_IMAGE = "hub"
PROXY_IMAGE = "proxy"
HUB_IMAGES = (HUB_IMAGE, PROXY_IMAGE)
"""Images of every release beside the catalog's."""
CLOUDWATCH_ADDON = "amazon-cloudwatch-observability"
EFS_ADDON = "aws-efs-csi-driver"
METRICS_ADDON = "metrics-server"
ADDONS = (CLOUDWATCH_ADDON, EFS_ADDON, METRICS_ADDON)
"""EKS add-ons that an environment has beside what Auto Mode brings."""

# Users and groups.

USER_ID = 1000
"""User and group of the hub and of every user's server; the owner of all homes."""
NOBODY_ID = 65534
"""User and group of the proxy, which owns no file."""

# Ports.

PROXY_PORT = 8000
PROXY_API_PORT = 8001
PROXY_METRICS_PORT = 8002
HUB_PORT = 8081
USER_SERVER_PORT = 8888
KUBELET_PORT = 10250
API_SERVER_PORTS = (443, 6443)
"""Of the Kubernetes API: its Service's, and the usual one behind it."""

# Networks.

EKS_SERVICE_RANGE = "172.20.0.0/16"
"""Given to the cluster, so that the addresses of its DNS and API server are known beforehand."""
EKS_DNS = "172.20.0.10/32"
EKS_API_SERVER = "172.20.0.1/32"

POD_IDENTITY_RANGES = ("169.254.170.23/32", "fd00:ec2::23/128")
POD_IDENTITY_PORT = 80
"""The EKS Pod Identity agent on every node, which gives a pod its role:
https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
Users' servers have no role, and the metadata service beside it is for no pod at all."""
METADATA_ADDRESSES = ("169.254.169.254", "fd00:ec2::254")
"""Of EC2's instance metadata service."""

# Kubernetes objects.

HUB = "hub"
PROXY = "proxy"
PROXY_API = "proxy-api"
PROXY_PUBLIC = "proxy-public"
USER_SERVER = "singleuser-server"
"""The component label that KubeSpawner gives to every user's pod."""
IMAGE_PULLER = "image-puller"
PLACEHOLDER = "user-placeholder"

HUB_SETTINGS = "hub-settings"
HUB_DATABASE = "hub-database"
HUB_SECRETS = "hub-secrets"
HOMES_CLAIM = "homes"

INGRESS_CLASS = "alb"
BLOCK_STORAGE_CLASS = "auto-ebs"
CORE_NODES = "core"
"""The node pool of the hub, its proxy and the cluster's add-ons on EKS."""
USER_NODES = "users"
"""The node class, and the default pool, of users' servers on EKS."""

COMPONENT_LABEL = "app.kubernetes.io/component"


def component_labels(component: str) -> dict[str, str]:
    """What selects a component's pods. It must never change: selectors are immutable."""
    return {COMPONENT_LABEL: component}


def priority_class_name(namespace: str, priority: str) -> str:
    """A priority class belongs to the whole cluster: two environments must not share one."""
    return f"{namespace}-{priority}"


VERSION_LABEL = "app.kubernetes.io/version"
MANAGED_BY = {"app.kubernetes.io/managed-by": "slipway"}
"""On what the hub makes."""
COMMON_LABELS = {
    "app.kubernetes.io/name": "jupyterhub",
    "app.kubernetes.io/part-of": "slipway",
    **MANAGED_BY,
}
"""On every object of the charts."""
NODE_POOL_LABEL = "karpenter.sh/nodepool"
IDLE_POD_POOL_LABEL = "hub.jupyter.org/node-pool"
"""On image pullers and placeholders: the node pool they are for."""

# Files in containers.

HUB_PROGRAM = "slipway-hub"
"""What every container of the hub's pod runs."""
HUB_STATE_FOLDER = "/srv/jupyterhub"
HUB_SECRETS_FOLDER = "/run/secrets/slipway"
HUB_SETTINGS_FOLDER = "/etc/slipway"
HUB_SETTINGS_FILE = "hub.json"
HOMES_FOLDER = "/srv/homes"
"""Where the hub mounts homes that are folders of one volume."""
JUPYTER_FOLDER = "/opt/jupyter"
"""Where user images have Jupyter."""

# Secrets, by the files that the hub and its proxy read.

PROXY_TOKEN = "proxy_auth_token"  # noqa: S105 - the name of a secret's file, here and below
COOKIE_SECRET = "cookie_secret"  # noqa: S105
SMOKE_TOKEN = "smoke_token"  # noqa: S105
PROMETHEUS_TOKEN = "prometheus_token"  # noqa: S105
USER_PASSWORD = "user_password"  # noqa: S105
ADMIN_PASSWORD = "admin_password"  # noqa: S105
OAUTH_CLIENT_SECRET = "oauth_client_secret"  # noqa: S105

# Folders of a project.

STATE_FOLDER = ".slipway"
"""What Slipway keeps at a project; also what the hub keeps beside users' homes."""
RELEASES_FOLDER = "releases"
ENVIRONMENTS_FOLDER = "environments"
CATALOG_FILE = "catalog.yaml"
PLATFORM_FILE = "platform.yaml"


def environment_file(environment: str) -> str:
    return f"{ENVIRONMENTS_FOLDER}/{environment}.yaml"


def release_file(version: str) -> str:
    return f"{RELEASES_FOLDER}/{version}.yaml"


def signature_file(version: str) -> str:
    """Signatures of a release, a line each."""
    return f"{RELEASES_FOLDER}/{version}.sig"
