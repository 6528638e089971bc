"""A replacement of the one AWS CLI command that CDK's kubectl provider runs.

The genuine one takes a second to start, and a rehearsal runs it some three hundred times:
`aws eks update-kubeconfig --role-arn ARN --name NAME --kubeconfig FILE`. Python starts this file
without its site packages, so it imports the standard library and `slipway.aws.kubeconfig` alone.
"""

import json
import os
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[2]))

from slipway.aws.kubeconfig import kubeconfig


def describe(name: str) -> tuple[str, str]:
    """Address and certificate of a cluster, asked for by the account of our key."""
    url = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    account, region = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_REGION"]
    scope = f"{account}/20260101/{region}/eks/aws4_request"
    login = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    assert url.hostname
    connection = HTTPConnection(url.hostname, url.port or 80, timeout=120)
    connection.request("GET", f"/clusters/{name}", headers={"Authorization": login})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"describe {name}: {text.decode()}")
    cluster = json.loads(text)["cluster"]
    return cluster["endpoint"], cluster["certificateAuthority"]["data"]


def main(arguments: list[str]) -> None:
    if arguments[:2] != ["eks", "update-kubeconfig"]:
        raise SystemExit(f"not emulated: aws {' '.join(arguments)}")
    options = dict(zip(arguments[2::2], arguments[3::2], strict=False))
    name = options["--name"]
    Path(options["--kubeconfig"]).write_text(kubeconfig(name, *describe(name), token="rehearsal"))  # noqa: S106


if __name__ == "__main__":
    main(sys.argv[1:])
