"""A kubeconfig with one cluster and a bearer token. Standard library only."""

import json


def kubeconfig(name: str, server: str, ca: str, token: str) -> str:
    """The file's content. `ca` is the certificate in PEM, in Base64."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": server, "certificate-authority-data": ca}}
            ],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )
