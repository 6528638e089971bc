"""The hub of an environment on AWS, operated by kubectl."""

from slipway import facts
from slipway.aws import cloudformation
from slipway.aws.account import AwsAccount
from slipway.aws.cluster import kubectl

DEPLOYMENT = f"deployment/{facts.HUB}"


def snapshot(aws: AwsAccount, occasion: str) -> bool:
    """Save the hub's database to the data bucket. False if there is no hub. Raises StepError."""
    # The stack is asked first: a cluster whose first deploy failed may not know our credentials.
    if not cloudformation.status(aws, facts.HUB_STACK):
        return False
    namespace = ("--namespace", aws.spec.namespace)
    if not kubectl(aws, "get", DEPLOYMENT, *namespace, "--ignore-not-found"):
        return False
    command = (facts.HUB_PROGRAM, "snapshot", "--occasion", occasion)
    return kubectl(aws, "exec", DEPLOYMENT, *namespace, "-c", facts.HUB, "--", *command) is not None


def stop_servers(aws: AwsAccount) -> str:
    """Stop all users' servers and say how many. Raises StepError."""
    if not cloudformation.status(aws, facts.HUB_STACK):
        return "there is no hub"
    selector = ",".join(f"{k}={v}" for k, v in facts.component_labels(facts.USER_SERVER).items())
    namespace = ("--namespace", aws.spec.namespace)
    done = kubectl(aws, "delete", "pods", *namespace, "--selector", selector, "--wait")
    if done is None:
        return "there is no cluster"
    return f"{len(done.splitlines())} stopped" if "No resources" not in done else "none ran"
