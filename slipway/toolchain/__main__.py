"""`python -m slipway.toolchain`: everything `make setup` installs beyond Python packages."""

import sys
from pathlib import Path

from slipway import files
from slipway.installation import INSTALLATION, TOOLS
from slipway.toolchain import code_server, kubectl, node

CDK_COMMAND = """\
#!/bin/sh
# The CDK CLI that package-lock.json pins, run by the Node that requirements.txt pins.
export PATH="{scripts}:{node_bin}:$PATH"
export JSII_NODE="{node}"
exec "{node}" "{root}/node_modules/aws-cdk/bin/cdk" "$@"
"""


def install_all(root: Path, scripts: Path) -> None:
    """Install the Node packages of `root`, `cdk` and `kubectl` in `scripts`, and code-server."""
    say("the CDK CLI and configurable-http-proxy")
    node.install(root)
    command = CDK_COMMAND.format(
        scripts=scripts, node_bin=node.node().parent, node=node.node(), root=root
    )
    files.write(scripts / "cdk", command, mode=0o755)
    if kubectl.is_available():
        say("kubectl")
        kubectl.install(scripts)
    else:
        say("kubectl: this machine is not x86-64 Linux, install it with your package manager")
    code_server.install(root / "images/code-server", TOOLS, say)


def say(step: str) -> None:
    print(f"  - {step}", file=sys.stderr, flush=True)


def main() -> int:
    try:
        install_all(INSTALLATION, Path(sys.executable).parent)
    except node.NpmError as error:
        print(f"{error}\nRun `make setup` again when the registry answers.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
