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
from dataclasses import dataclass
from pathlib import Path

from slipway_notebook import early


@dataclass(frozen=True)
class App:
    title: str
    command: str
    remedy: str
    needed_file: str | None
    restart: bool

    def lacks(self) -> tuple[str, str] | None:
        """What is missing and what to do, in HTML; None when the command can run."""
        from html import escape

        if shutil.which(self.command) is None:
            return (
                f"The command <code>{escape(self.command)}</code> is not installed in this server.",
                f"To get it: {escape(self.remedy)}",
            )
        if self.needed_file and not Path(self.needed_file).exists():
            return (
                f"The file <code>{escape(self.needed_file)}</code> is not in your home folder.",
                "Create it, then try again.",
            )
        if self.restart:
            return (
                f"The command <code>{escape(self.command)}</code> is there now.",
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
    app = App(
        title=arguments.title,
        command=arguments.command[0],
        remedy=arguments.remedy,
        needed_file=arguments.needs_file,
        restart=arguments.restart,
    )
    if arguments.socket:
        early.hand_over(arguments.command, arguments.socket)
    if app.lacks():
        # Not before it is needed: its imports take longer than all the rest of this program.
        from slipway_notebook.explanation import explain

        explain(app.title, app.lacks, arguments.socket, arguments.port)
    os.execvp(arguments.command[0], arguments.command)  # noqa: S606


if __name__ == "__main__":
    main()
