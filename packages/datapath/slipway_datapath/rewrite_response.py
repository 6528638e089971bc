"""`rewrite_response` of a server: functions that change an answer, most often its headers alone.

They are run before the body has come. Only if one of them asks for it, it is waited for and held.
"""

from collections.abc import Callable
from typing import Any

from jupyter_server_proxy.handlers import RewritableResponse
from jupyter_server_proxy.utils import call_with_asked_args
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders

from slipway_datapath.transport import Answer, AppError

MAX_BODY_BYTES = 100 * 2**20
"""What a function may ask for at once; jupyter-server-proxy has the same limit for every answer."""

Rewrite = Callable[..., None]


class _BodyWanted(Exception):  # noqa: N818
    pass


class _Response(HTTPResponse):  # type: ignore[misc]
    """An answer whose body may not have come yet."""

    whole: bytes | None = None

    @property
    def body(self) -> bytes:
        if self.whole is None:
            raise _BodyWanted
        return self.whole


async def rewritten(
    rewrites: list[Rewrite], answer: Answer, headers: HTTPHeaders, known: dict[str, Any]
) -> Any:
    """The answer as the functions leave it: a `RewritableResponse`, without value for `body` if
    that is to pass as it comes.

    `known` are further arguments that a function may have. Raises AppError.
    """
    request = HTTPRequest("http://localhost/")
    response = _Response(request, answer.status, headers, reason=answer.reason)
    try:
        return _apply(rewrites, response, known)
    except _BodyWanted:
        response.whole = await _whole_body(answer)
    return _apply(rewrites, response, known)


def _apply(rewrites: list[Rewrite], response: _Response, known: dict[str, Any]) -> Any:
    original = result = RewritableResponse(orig_response=response)
    arguments = known | {"orig_response": original}
    for rewrite in rewrites:

        def change(copy: Any, rewrite: Rewrite = rewrite) -> None:
            call_with_asked_args(rewrite, arguments | {"response": copy})

        result = result._apply_to_copy(change)
    return result


async def _whole_body(answer: Answer) -> bytes:
    body = bytearray()
    while piece := await answer.read():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise AppError("Its answer is too long for a server with rewrite_response")
    return bytes(body)
