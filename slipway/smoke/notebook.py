"""A notebook, run to its end and saved as JupyterLab does it."""

from typing import Any

from slipway.smoke.kernels import joined
from slipway.smoke.report import Failure
from slipway.smoke.visitor import Visitor, culprit

NAME = "slipway-smoke.ipynb"
CELLS = ("numbers = list(range(1000))", "print(sum(numbers))", "max(numbers)")
EXPECTED = ("499500\n", "999")


async def run(visitor: Visitor) -> str:
    contents = f"{visitor.prefix}/api/contents/{NAME}"
    notebook = {"cells": [_cell(code) for code in CELLS], "nbformat": 4, "nbformat_minor": 5}
    await _save(visitor, contents, notebook | {"metadata": {}})
    request = {"path": NAME, "name": NAME, "type": "notebook", "kernel": {"name": ""}}
    answer = await visitor.client.post(f"{visitor.prefix}/api/sessions", json=request)
    if answer.status_code != 201:
        raise Failure(culprit(answer))
    session = answer.json()
    try:
        async with joined(visitor, session["kernel"]["id"]) as running:
            for number, cell in enumerate(notebook["cells"], 1):  # type: ignore[arg-type, var-annotated]
                result = await running.run(cell["source"])
                if result.error:
                    raise Failure(f"cell {number}: {result.error}")
                cell.update(execution_count=number, outputs=result.outputs)
    finally:
        await visitor.client.delete(f"{visitor.prefix}/api/sessions/{session['id']}")
    await _save(visitor, contents, notebook | {"metadata": {}})
    saved = (await visitor.get(contents)).json()["content"]["cells"]
    seen = [output for cell in saved for output in cell["outputs"]]
    text = tuple(one["text"] if "text" in one else one["data"]["text/plain"] for one in seen)
    if text != EXPECTED:
        raise Failure(f"saved with the outputs {text}, not {EXPECTED}")
    return f"{len(CELLS)} cells run and saved with their outputs"


def _cell(code: str) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return {"source": code, **blank}


async def _save(visitor: Visitor, path: str, notebook: dict[str, Any]) -> None:
    body = {"type": "notebook", "format": "json", "content": notebook}
    answer = await visitor.client.put(path, json=body)
    if answer.status_code not in (200, 201):
        raise Failure(culprit(answer))
