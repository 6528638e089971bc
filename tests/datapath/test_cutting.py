"""Every reader on the way cuts what it accepts alike: fuzzed requests, and fuzzed answers.

From a client to an app: Node's HTTP server in configurable-http-proxy, which writes the request
anew; Tornado in Jupyter; what the data path writes; and the app, whose reader may be any. What an
app is sent must be exact, so that no two readers could differ; and each request that it gets is one
that the reader before has seen, with the same body.
"""

import asyncio
import random
import socket
import subprocess
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest

from slipway.local.hub import proxy_command
from slipway.toolchain.node import node
from tests.support.fuzzed_http import ID, KNOWN, UNNAMED, answer, requests
from tests.support.jupyter import Jupyter, running_jupyter, wait_until
from tests.support.local import ROOT
from tests.support.readers import (
    Cut,
    NotExactError,
    References,
    exact,
    exact_answers,
    llhttp,
    references,
    with_h11,
)

WAYS = ("direct", "behind", "passed")
"""Apps of equally long names: of Jupyter alone, of Jupyter behind the proxy, of the proxy alone."""
PATIENCE = 2.0
"""Seconds for a client whose request nobody has found the end of. Nothing depends on it."""
AT_ONCE = 40
NEVER = b"\0"
"""With which no answer ends."""


@dataclass
class App:
    """Reads exactly, remembers, and answers each request by its name, or as it is told to."""

    streams: list[bytearray] = field(default_factory=list)
    got: dict[int, list[Cut]] = field(default_factory=lambda: defaultdict(list))
    """Whole requests, by the number in their path."""
    faults: list[str] = field(default_factory=list)
    lies: dict[bytes, bytes] = field(default_factory=dict)
    """Answers by the request's name."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def close(self) -> None:
        for writer in self.writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream, rest = bytearray(), b""
        self.streams.append(stream)
        self.writers.append(writer)
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                stream += piece
                try:
                    cuts, rest = exact(rest + piece)
                except NotExactError as error:
                    self.faults.append(f"{error} in {bytes(stream)!r}")
                    break
                for cut in cuts:
                    self._answer(cut, writer)
                await writer.drain()
        writer.close()

    def _answer(self, cut: Cut, writer: asyncio.StreamWriter) -> None:
        found = ID.search(cut.what.encode())
        if not found:
            self.faults.append(f"was asked for {cut.what}")
            return
        self.got[int(found[1])].append(cut)
        name = found[0]
        body = b"" if cut.what.startswith("HEAD ") else name
        honest = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), body)
        writer.write(self.lies.get(name, honest))
        if name in self.lies and int(found[1]) % 2:
            writer.close()


@contextmanager
def running_proxy(target: str) -> Iterator[tuple[str, int]]:
    """configurable-http-proxy as Slipway runs it, with one target for everything."""
    ports = []
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    process = subprocess.Popen(
        [
            *proxy_command(),
            *("--ip=127.0.0.1", f"--port={ports[0]}", f"--api-port={ports[1]}"),
            *(f"--default-target={target}", "--log-level=error"),
        ],
        stdout=subprocess.DEVNULL,
    )

    def listens() -> bool:
        assert process.poll() is None
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", ports[0])) == 0

    try:
        wait_until(listens)
        yield ("127.0.0.1", ports[0])
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("cut")
    return {way: str(folder / way) for way in WAYS}


@pytest.fixture(scope="module")
def jupyter(sockets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    servers = {way: {"unix_socket": path} for way, path in sockets.items()}
    folder = tmp_path_factory.mktemp("cutting") / "jupyter"
    with running_jupyter("ours", folder, servers) as jupyter:
        yield jupyter


@asynccontextmanager
async def apps(sockets: dict[str, str]) -> AsyncIterator[dict[str, App]]:
    found = {way: App() for way in WAYS}
    servers = [
        await asyncio.start_unix_server(found[way].serve, path, limit=2**20)
        for way, path in sockets.items()
    ]
    try:
        yield found
    finally:
        for server in servers:
            server.close()
        for app in found.values():
            await app.close()


async def spoken(address: tuple[str, int], sent: bytes, last: bytes) -> tuple[int, bytes]:
    """The client's port, and what it was answered: until the end, or until it has what it wants."""
    reader, writer = await asyncio.open_connection(*address)
    port, received = writer.get_extra_info("sockname")[1], b""
    writer.write(sent)
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while piece := await reader.read(65536):
                received += piece
                if received.endswith(last):
                    break
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return port, received


def are_among(got: list[Cut], allowed: list[Cut]) -> bool:
    """Not in their order: the proxy sends what has come in one go at once."""
    return not Counter(got) - Counter(allowed)


def by_id(cuts: list[Cut], way: str) -> list[Cut]:
    """With nothing but the method and the name in `what`: paths differ on the way."""
    named = []
    for cut in cuts:
        found = ID.search(cut.what.encode())
        name = found[0].decode() if found else cut.what
        body = cut.body.replace(way.encode(), UNNAMED)
        named.append(Cut(f"{cut.what.partition(' ')[0]} {name}", body))
    return named


def agree(streams: list[bytearray]) -> None:
    for stream in streams:
        mine, _ = exact(bytes(stream))
        for reader in (llhttp, with_h11):
            theirs = reader(bytes(stream))
            common = min(len(mine), len(theirs))
            assert theirs[:common] == mine[:common], (reader, bytes(stream))
            assert theirs or not mine, (reader, bytes(stream))


@dataclass
class Run:
    references: References
    apps: dict[str, App]
    addresses: dict[str, tuple[str, int]]
    faults: list[str] = field(default_factory=list)
    expected: dict[tuple[str, int], list[Cut]] = field(default_factory=dict)

    async def one(self, number: int, sent: bytes) -> None:
        last = b"%d-end" % number
        tornado = await self._reference("tornado", sent)
        node_cuts = await self._reference("node", sent)
        self.expected["direct", number] = tornado
        # What follows an upgrade passes as it is, to the reader behind the proxy.
        upgraded = b"upgrade" in sent.lower()
        self.expected["behind", number] = node_cuts + (tornado if upgraded else [])
        self.expected["passed", number] = self.expected["behind", number]
        for way, address in self.addresses.items():
            _, received = await spoken(address, sent.replace(UNNAMED, way.encode()), last)
            strangers = {int(found[1]) for found in ID.finditer(received)} - {number}
            if strangers:
                self.faults.append(f"{way}: was answered what {strangers} asked for: {sent!r}")

    async def _reference(self, kind: str, sent: bytes) -> list[Cut]:
        port = getattr(self.references, f"{kind}_port")
        mine, _ = await spoken(("127.0.0.1", port), sent, NEVER)
        if kind == "node":
            return by_id(await self.references.of_node(mine), "@@@@@@")
        return by_id(self.references.tornado.pop(mine, []), "@@@@@@")

    def compare(self, inputs: dict[int, bytes]) -> None:
        for way, app in self.apps.items():
            self.faults += [f"{way}: {fault}" for fault in app.faults]
            for number, got in app.got.items():
                named, expected = by_id(got, way), self.expected[way, number]
                if not are_among(named, expected):
                    self.faults.append(f"{way}: {named} of {expected}: {inputs[number]!r}")


async def compare_requests(
    sockets: dict[str, str], jupyter: Jupyter, count: int, seed: int
) -> dict[str, App]:
    rng = random.Random(seed)
    inputs = {number: requests(rng, number) for number in range(count)}
    waiting = list(inputs.items())
    async with apps(sockets) as found, references(node()) as known:
        listening = await asyncio.start_server(found["passed"].serve, "127.0.0.1", 0)
        target = "http://{}:{}".format(*listening.sockets[0].getsockname())
        with (
            running_proxy(jupyter.url.partition("/user/")[0]) as behind,
            running_proxy(target) as passed,
        ):
            run = Run(known, found, dict(zip(WAYS, (jupyter.address, behind, passed), strict=True)))

            async def work() -> None:
                while waiting:
                    await run.one(*waiting.pop())

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        run.compare(inputs)
        assert not run.faults, f"seed {seed}, {len(run.faults)}: " + "\n".join(run.faults[:5])
        for app in found.values():
            agree(app.streams)
    return found


@pytest.mark.parametrize(
    ("count", "seed"), [(150, 1), pytest.param(8000, 2, marks=pytest.mark.slow)]
)
def test_requests_are_cut_alike_by_all_who_read_them(
    sockets: dict[str, str], jupyter: Jupyter, count: int, seed: int
):
    found = asyncio.run(compare_requests(sockets, jupyter, count, seed))
    for way, app in found.items():
        assert len(app.got) > count / 10, f"{way}: most were refused, so that little was compared"


async def compare_answers(sockets: dict[str, str], jupyter: Jupyter, count: int, seed: int) -> int:
    rng = random.Random(seed)
    lies = {number: answer(rng) for number in range(count)}
    told = {b"/%d-a" % number: lie for number, lie in lies.items()}
    faults: list[str] = []
    whole = 0
    with running_proxy(jupyter.url.partition("/user/")[0]) as behind:
        addresses = {"direct": jupyter.address, "behind": behind}
        async with apps(sockets) as found:
            for app in found.values():
                app.lies = told
            waiting = list(lies)

            async def work() -> None:
                nonlocal whole
                while waiting:
                    number = waiting.pop()
                    for way, address in addresses.items():
                        method = rng.choice(("GET", "HEAD", "POST"))
                        _, received = await spoken(address, two(number, way, method), b"-b")
                        fault, both = judged(received, method, number)
                        whole += both
                        if fault:
                            faults.append(f"{way} {method} {lies[number]!r}: {fault}")

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    assert not faults, f"seed {seed}, {len(faults)}: " + "\n".join(faults[:5])
    return whole


def two(number: int, way: str, method: str) -> bytes:
    """A request that is answered as the app likes, and one that is answered well."""
    known = f"HTTP/1.1\r\nHost: localhost\r\n{KNOWN}\r\n"
    first = f"{method} /user/jo/{way}/{number}-a {known}Content-Length: 0\r\n\r\n"
    return f"{first}GET /user/jo/{way}/{number}-b {known}Connection: close\r\n\r\n".encode()


def judged(received: bytes, method: str, number: int) -> tuple[str, bool]:
    """What is wrong with what a client got, and whether it got both answers."""
    try:
        cuts, rest = exact_answers(received, [method, "GET"])
    except NotExactError as error:
        return f"{error} in {received!r}", False
    if len(cuts) < 2:
        return "", False  # the first broke off, and with it the connection
    if rest or cuts[1] != Cut("200", b"/%d-b" % number):
        return f"{cuts} and {rest!r}", True
    return "", True


@pytest.mark.parametrize(
    ("count", "seed"), [(150, 3), pytest.param(4000, 4, marks=pytest.mark.slow)]
)
def test_answers_are_cut_alike_by_all_who_read_them(
    sockets: dict[str, str], jupyter: Jupyter, count: int, seed: int
):
    whole = asyncio.run(compare_answers(sockets, jupyter, count, seed))
    assert whole > count / 4, "most broke off, so that little was compared"


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
def test_the_proxy_refuses_a_body_that_it_would_send_without_its_length(method: str):
    """It would be the next request on a connection that all users share."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = "http://{}:{}".format(*listening.getsockname())
        with running_proxy(address) as proxy, httpx.Client() as client:
            url = "http://{}:{}/hub/x".format(*proxy)
            answer = client.request(method, url, content=iter([b"GET /smuggled HTTP/1.1\r\n"]))
            assert answer.status_code == 411
            assert answer.headers["Connection"] == "close"
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_the_proxy_refuses_codings_that_servers_know_or_do_not():
    async def answered() -> bytes:
        app = App()
        server = await asyncio.start_server(app.serve, "127.0.0.1", 0)
        with running_proxy("http://{}:{}".format(*server.sockets[0].getsockname())) as proxy:
            head = "POST /1-a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
            _, answer = await spoken(proxy, f"{head}0\r\n\r\n".encode(), NEVER)
        assert not app.streams
        return answer

    assert asyncio.run(answered()).startswith(b"HTTP/1.1 411 ")


@pytest.mark.upstream
def test_the_proxy_still_needs_our_guard():
    """When http-proxy-3 is mended, images/proxy/lengths.mjs can go."""
    passes = ROOT / "node_modules/http-proxy-3/dist/lib/http-proxy/passes/web-incoming.js"
    assert 'delete req.headers["transfer-encoding"];' in passes.read_text()


def test_the_proxy_passes_a_body_whose_length_it_knows():
    async def passed() -> list[Cut]:
        app = App()
        server = await asyncio.start_server(app.serve, "127.0.0.1", 0)
        with running_proxy("http://{}:{}".format(*server.sockets[0].getsockname())) as proxy:
            for method in ("DELETE", "OPTIONS", "POST"):
                head = f"{method} /1-{method.lower()} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                await spoken(proxy, f"{head}\r\nhello".encode(), method.lower().encode())
            chunks = "POST /1-end HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            await spoken(proxy, f"{chunks}5\r\nhello\r\n0\r\n\r\n".encode(), b"-end")
        return app.got[1]

    names = [f"{method} /1-{method.lower()}" for method in ("DELETE", "OPTIONS", "POST")]
    assert asyncio.run(passed()) == [Cut(name, b"hello") for name in [*names, "POST /1-end"]]
