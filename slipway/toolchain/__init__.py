"""The programs Slipway runs that are not Python: Node, the CDK CLI, the proxy, kubectl, VS Code.

Everything comes from a lock (`requirements.txt`, `package-lock.json`,
`images/code-server/package-lock.json`) and is installed once per lock content.
"""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Called with one short sentence whenever a step begins."""
