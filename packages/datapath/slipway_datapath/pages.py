"""What a user sees in place of an app: that it starts, or why there is none and what to do.

The same in a tab and in JupyterLab's frame; to a client that does not ask for HTML it is JSON.
"""

from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from tornado.web import HTTPError

POLL_HEADER = "X-Slipway-Poll"
"""Sent by the page that waits: it wants to know how far the app is, nothing from the app."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{refresh}
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 10vh auto;
    padding: 0 1rem; }}
  code, pre {{ background: #8882; padding: .1em .35em; border-radius: .25em;
    overflow-wrap: anywhere; white-space: pre-wrap; }}
  pre {{ padding: .6em .8em; font-size: .85rem; }}
  h2 {{ font-size: 1rem; margin-bottom: 0; }}
</style></head><body><main>
<h1>{title}</h1>
<p role="{role}">{message}</p>
{details}
</main>{script}</body></html>
"""

NO_SCRIPT = '<noscript><meta http-equiv="refresh" content="2"></noscript>'

# Shows the app when it answers, and not an error before.
WATCH = """<script>
  const poll = async () => {
    try {
      const answer = await fetch(location, {headers: {"X-Slipway-Poll": "1"}, cache: "no-store"});
      if (answer.status !== 503) return location.reload();
      const lines = document.getElementById("lines");
      if (lines) lines.textContent = (await answer.json()).lines.join("\\n");
    } catch {}
    setTimeout(poll, 300);
  };
  setTimeout(poll, 300);
</script>"""


@dataclass
class Explanation:
    """What a page says in place of an app."""

    title: str
    message: str
    remedy: str = ""
    command: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """The last that the app has printed."""
    listening: dict[int, str] = field(default_factory=dict)
    """Ports that would answer, and where to find them."""
    starting: bool = False
    """It will be there soon: the page waits for it."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_page(self) -> str:
        return PAGE.format(
            title=escape(self.title),
            message=escape(self.message),
            details="\n".join(self._details()),
            role="status" if self.starting else "alert",
            refresh=NO_SCRIPT if self.starting else "",
            script=WATCH if self.starting else "",
        )

    def _details(self) -> list[str]:
        parts = []
        if self.remedy:
            parts.append(f"<p>{escape(self.remedy)}</p>")
        if self.listening:
            links = (
                f'<li><a href="{escape(url)}">Port {port}</a></li>'
                for port, url in self.listening.items()
            )
            parts.append(f"<h2>What listens instead</h2><ul>{''.join(links)}</ul>")
        if self.command:
            command = escape(" ".join(self.command))
            parts.append(f"<h2>What was run</h2><pre>{command}</pre>")
        if self.lines or self.starting:
            lines = escape("\n".join(self.lines))
            parts.append(f'<h2>Its last lines</h2><pre id="lines">{lines}</pre>')
        if not self.starting:
            parts.append('<p><a href="">Try again</a></p>')
        return parts


class ExplainedError(HTTPError):  # type: ignore[misc]
    """An HTTP error with a page that explains it."""

    def __init__(self, status: int, explanation: Explanation) -> None:
        super().__init__(status, "%s", explanation.message)
        self.explanation = explanation
