"""A stand-in for the one AWS CLI command that CDK's kubectl provider runs.

The genuine one takes a second to start, and a rehearsal needs it some three hundred times:
`aws eks update-kubeconfig --role-arn ARN --name NAME --kubeconfig FILE`.
"""

import json
import os
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit


def describe(name: str) -> dict[str, str]:
    """The cluster, asked for as the account of our key, like any client of EKS."""
    url = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    assert url.hostname
    scope = (
        f"{os.environ['AWS_ACCESS_KEY_ID']}/20260101/{os.environ['AWS_REGION']}/eks/aws4_request"
    )
    connection = HTTPConnection(url.hostname, url.port or 80, timeout=120)
    connection.request(
        "GET",
        f"/clusters/{name}",
        headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        },
    )
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"describe {name}: {text.decode()}")
    cluster = json.loads(text)["cluster"]
    return {"url": cluster["endpoint"], "ca": cluster["certificateAuthority"]["data"]}


def kubeconfig(name: str, url: str, ca: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": url, "certificate-authority-data": ca}}
            ],
            "users": [{"name": name, "user": {"token": "rehearsal"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def main(arguments: list[str]) -> None:
    if arguments[:2] != ["eks", "update-kubeconfig"]:
        raise SystemExit(f"this stand-in does not know: aws {' '.join(arguments)}")
    options = dict(zip(arguments[2::2], arguments[3::2], strict=False))
    name = options["--name"]
    with open(options["--kubeconfig"], "w") as file:  # noqa: PTH123
        file.write(kubeconfig(name, **describe(name)))


if __name__ == "__main__":
    main(sys.argv[1:])
