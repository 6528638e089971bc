"""Checks of a user's server: how bytes come through to a port of the user's own, and a notebook."""

from typing import Any

import httpx

from slipway.smoke.hub_api import expect
from slipway.smoke.kernels import Kernel, joined
from slipway.smoke.report import Failure
from slipway.smoke.visitor import Visitor

LARGE = 128 * 2**20
"""Bytes: jupyter-server-proxy as it is fails above 100 MiB."""
PIECE = bytes(range(256)) * 4096
NOTEBOOK = "slipway-smoke.ipynb"
CELLS = ("numbers = list(range(1000))", "print(sum(numbers))", "max(numbers)")
EXPECTED = ("499500\n", "999")


async def listen(running: Kernel) -> int:
    return int(await running.call("listener", "listen('127.0.0.1')"))


async def download(visitor: Visitor, port: int) -> str:
    """A large answer arrives whole."""
    path, got, wrong = f"{visitor.prefix}/proxy/{port}/bytes/{LARGE}", 0, False
    async with visitor.client.stream("GET", path) as answer:
        await _succeed(answer)
        async for piece in answer.aiter_raw(len(PIECE)):
            wrong = wrong or piece != PIECE[: len(piece)]
            got += len(piece)
    if wrong or got != LARGE:
        raise Failure(f"{got:,} bytes of {LARGE:,} arrived{', changed' if wrong else ''}")
    return f"{got / 2**20:.0f} MiB arrived whole"


async def streaming(visitor: Visitor, port: int) -> str:
    """The first bytes of an answer arrive before its end: the app ends it only when it is told to,
    and that is after they are here."""
    base = f"{visitor.prefix}/proxy/{port}"
    async with visitor.client.stream("GET", f"{base}/gated") as answer:
        await _succeed(answer)
        pieces = answer.aiter_raw()
        first = await anext(pieces, b"")
        await visitor.get(f"{base}/open")
        whole = first + b"".join([piece async for piece in pieces])
    if (first, whole) != (b"first", b"firstsecond"):
        raise Failure(f"arrived as {first[:20]!r} and {whole[len(first) :][:20]!r}")
    return "the first bytes arrived before the last were sent"


async def _succeed(answer: httpx.Response) -> None:
    if answer.status_code != 200:
        await answer.aread()  # it says why
        expect(answer, 200)


async def notebook(visitor: Visitor) -> str:
    """A notebook, run to its end and saved as JupyterLab does it."""
    cells = [_cell(code) for code in CELLS]
    await _save(visitor, cells)
    request = {"path": NOTEBOOK, "name": NOTEBOOK, "type": "notebook", "kernel": {"name": ""}}
    answer = await visitor.client.post(f"{visitor.prefix}/api/sessions", json=request)
    session = expect(answer, 201).json()
    try:
        async with joined(visitor, session["kernel"]["id"]) as running:
            for number, cell in enumerate(cells, 1):
                result = await running.run(cell["source"])
                if result.error:
                    raise Failure(f"cell {number}: {result.error}")
                cell.update(execution_count=number, outputs=result.outputs)
    finally:
        await visitor.client.delete(f"{visitor.prefix}/api/sessions/{session['id']}")
    await _save(visitor, cells)
    saved = (await visitor.get(_contents(visitor))).json()["content"]["cells"]
    outputs = [output for cell in saved for output in cell["outputs"]]
    text = tuple(each["text"] if "text" in each else each["data"]["text/plain"] for each in outputs)
    if text != EXPECTED:
        raise Failure(f"saved with the outputs {text}, not {EXPECTED}")
    return f"{len(CELLS)} cells run and saved with their outputs"


def _contents(visitor: Visitor) -> str:
    return f"{visitor.prefix}/api/contents/{NOTEBOOK}"


def _cell(code: str) -> dict[str, Any]:
    blank: dict[str, Any] = {"metadata": {}, "outputs": [], "execution_count": None}
    return {"cell_type": "code", "source": code, **blank}


async def _save(visitor: Visitor, cells: list[dict[str, Any]]) -> None:
    content = {"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    body = {"type": "notebook", "format": "json", "content": content}
    expect(await visitor.client.put(_contents(visitor), json=body), 200, 201)
