"""Requests and answers that readers of HTTP might cut differently, by chance from a seed.

A request's path ends in its name, `/NUMBER-PART`: the number of the input, and which of it. Where
the app's name belongs is UNNAMED, of the same length as the names that take its place.
"""

import random
import re

from tests.support.jupyter import TOKEN

UNNAMED = b"@@@@@@"
ID = re.compile(rb"/(\d+)-(\w+)")
KNOWN = f"Authorization: token {TOKEN}"


def header(rng: random.Random, length: int) -> str:
    return rng.choice(
        (
            *(f"Content-Length: {n}" for n in (length, length, length, 0, length + 5, length - 1)),
            *(f"Content-Length: {n}" for n in (f"0{length}", f"+{length}", f"{length}, {length}")),
            f"content-length:{length}",
            f"Content-Length : {length}",
            f"Content_Length: {length}",
            f"Connection: Content-Length\r\nContent-Length: {length}",
            f"Connection: close, content-length\r\nContent-Length: {length}",
            f"Connection: transfer-encoding, Host, Cookie\r\nContent-Length: {length}",
            *("Transfer-Encoding: chunked",) * 4,
            "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding:\tchunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding:\r\n chunked",
            "transfer_encoding: chunked",
            "X: a\r\n b",
            "X: \xff\x80",
            "X: a\0b",
            "X: a\rb",
            "Connection: keep-alive",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==",
            "Connection: Upgrade\r\nUpgrade: h2c",
            "Upgrade: websocket",
            "TE: trailers",
            "Trailer: X",
            "Host: other",
            "Keep-Alive: timeout=1",
        )
    )


def chunked(rng: random.Random, body: bytes) -> bytes:
    cut = rng.randint(1, max(1, len(body)))
    extension = rng.choice((b"", b"", b"", b";a=b", b" ", b';a="\r\n"'))
    pieces = [b"%x%b\r\n%b\r\n" % (len(p), extension, p) for p in (body[:cut], body[cut:]) if p]
    return b"".join(pieces) + rng.choice(
        (b"0\r\n\r\n",) * 5 + (b"0\r\nX: 1\r\n\r\n", b"0\n\n", b"")
    )


def request(rng: random.Random, name: str) -> bytes:
    path = f"/user/jo/@@@@@@/{name}"
    smuggled = f"GET {path}x HTTP/1.1\r\nHost: localhost\r\n{KNOWN}\r\n\r\n".encode()
    body = rng.choice((b"", b"hello", smuggled, smuggled, b"0\r\n\r\n" + smuggled))
    method = rng.choice(("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"))
    # Half of them are odd in other ways than their lengths: readers refuse most of these.
    is_odd = rng.random() < 0.5
    version = rng.choice(("1.1",) * 8 + ("1.0", "1.2", "2.0")) if is_odd else "1.1"
    odd_query = rng.choice(("", "?a=1", "?a=\xff", "?a=%0d%0aX:%201", "/..x", "#f", " x"))
    query = odd_query if is_odd else rng.choice(("", "?a=1"))
    lines = [f"{method} {path}{query} HTTP/{version}", "Host: localhost", KNOWN]
    if body and rng.random() < 0.6:
        right = rng.choice((f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"))
        lines.append(right)
    lines += [header(rng, len(body)) for _ in range(rng.choice((0, 1, 2)) if is_odd else 0)]
    rng.shuffle(rest := lines[1:])
    text = rng.choice(("\r\n",) * 12 + ("\n",) * is_odd).join([lines[0], *rest, "", ""])
    if body and "chunked" in text.lower():
        body = chunked(rng, body)
    return text.encode("latin1") + body


def requests(rng: random.Random, number: int) -> bytes:
    """Some requests in one go, and one to end with."""
    sent = b"".join(request(rng, f"{number}-{part}") for part in "abc"[: rng.randint(1, 3)])
    if rng.random() < 0.2:
        at = rng.choice([at for at in range(len(sent)) if not _in_name(sent, at)])
        nasty = rng.choice((b"\r", b"\n", b"\0", b"\r\n", b" ", b":", b"\t", b"\x0b", b"\xff", b""))
        sent = sent[:at] + nasty + sent[at + rng.randint(0, 1) :]
    last = f"GET /user/jo/@@@@@@/{number}-end HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    return sent + f"{last}{KNOWN}\r\n\r\n".encode()


def _in_name(sent: bytes, at: int) -> bool:
    """Whether the byte is of a request's name: with another name, it would be another's."""
    return any(found.start() <= at <= found.end() for found in ID.finditer(sent))


def answer(rng: random.Random) -> bytes:
    """What an app may say that means harm."""
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
    body = rng.choice((b"", b"hello", smuggled, b"0\r\n\r\n" + smuggled))
    status = rng.choice((b"200 OK",) * 5 + (b"204 No", b"304 No", b"103 X", b"500 \xff", b"200"))
    lines = [b"HTTP/1.%d %b" % (rng.choice((1, 1, 1, 0)), status)]
    if rng.random() < 0.7:
        lines.append(rng.choice((b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")))
    lines += [header(rng, len(body)).encode("latin1") for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    text = rng.choice((b"\r\n",) * 12 + (b"\n",)).join([*lines, b"", b""])
    if b"chunked" in text.lower():
        body = chunked(rng, body)
    return text + body
