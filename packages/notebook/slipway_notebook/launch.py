"""Start an app, or say in its place what is missing and how to get it.

jupyter-server-proxy runs `python -m slipway_notebook.launch --socket=… --title=… -- command …`.
Where the command and the file it needs are there, this process becomes the command. Where one is
not, it answers with a page that says so, looks again at every visit, and becomes the command as
soon as everything is there. With `--restart` the command alone would not do (a plug-in starts it):
then the page says to restart the server.
"""

import argparse
import os
import shutil
from pathlib import Path

from slipway_notebook import early


def lacks(arguments: argparse.Namespace) -> tuple[str, str] | None:
    """What is missing and what to do, in HTML; None when the command can run."""
    from html import escape

    command, needed = arguments.command[0], arguments.needs_file
    if shutil.which(command) is None:
        return (
            f"The command <code>{escape(command)}</code> is not installed in this server.",
            f"To get it: {escape(arguments.remedy)}",
        )
    if needed and not Path(needed).exists():
        return (
            f"The file <code>{escape(needed)}</code> is not in your home folder.",
            "Create it, then try again.",
        )
    if arguments.restart:
        return (
            f"The command <code>{escape(command)}</code> is there now.",
            "Stop this server on the hub's home page and start it again to use it.",
        )
    return None


def main() -> None:
    parser = argparse.ArgumentParser(prog="slipway_notebook.launch")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", help="unix socket the app listens on")
    where.add_argument("--port", type=int, help="port the app listens on")
    parser.add_argument("--title", required=True)
    parser.add_argument("--remedy", default="install it")
    parser.add_argument("--needs-file")
    parser.add_argument("command", nargs="+")
    parser.add_argument("--restart", action="store_true", help="explain, never run the command")
    arguments = parser.parse_args()
    if arguments.socket:
        early.hand_over(arguments.command, arguments.socket)
    if lacks(arguments):
        # Not before it is needed: its imports take longer than all the rest of this program.
        from slipway_notebook.explanation import explain

        explain(arguments.title, lambda: lacks(arguments), arguments.socket, arguments.port)
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606


if __name__ == "__main__":
    main()
