"""What stands before every route: who may ask, what is said when something fails, and what is counted."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kerasforecast.errors import InputError, KerasForecastError, shown
from kerasforecast.serving.limits import Refused
from kerasforecast.serving.shelf import LOG

if TYPE_CHECKING:
    from kerasforecast.serving.http.telemetry import Telemetry
    from kerasforecast.serving.shelf import Shelf

_OPEN = ("/v2/health/", "/static/")  # and the page: what they show is no secret


class Guard:
    """An ASGI application around another.

    Args:
        app: What answers.
        shelf: The models it has.
        telemetry: Where requests are counted.
        token: That requests must bear; none where `None`.
        hosts: Names that the server may be called by: a page elsewhere could have its own name lead here. Any where
            `None`.
    """

    def __init__(
        self, app: ASGIApp, shelf: Shelf, telemetry: Telemetry, token: str | None, hosts: tuple[str, ...] | None
    ) -> None:
        self.shelf = shelf
        self._app, self._telemetry, self._hosts = app, telemetry, hosts
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, counted)
        except Exception as error:  # Starlette raises again what it has answered already
            if status == 0:
                await (await told(Request(scope), error))(scope, receive, counted)
        endpoint = getattr(scope.get("endpoint"), "__name__", "none")
        self._telemetry.request(endpoint, status, time.perf_counter() - began)

    def _check(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self._hosts is not None and name.strip("[]").lower() not in self._hosts:
            raise Refused(421, f"The server must be called {', '.join(self._hosts)}. Received: {shown(host)}.")
        path = scope["path"]
        if self._token is None or path == "/" or path.startswith(_OPEN):
            return
        given = headers.get(b"authorization", b"")
        if not hmac.compare_digest(given, b"Bearer " + self._token):
            raise Refused(401, "A request must bear the token. Received: no such. Send `Authorization: Bearer TOKEN`.")


async def told(request: Request, error: Exception) -> JSONResponse:
    """What a route raised, as an answer; for Starlette."""
    code, text = _said(error)
    more = {503: {"retry-after": "1"}, 401: {"www-authenticate": "Bearer"}}.get(code)
    if isinstance(error, HTTPException) and error.headers:  # with a method that is not served, those that are
        more = dict(error.headers)
        if "Allow" in more:
            more["Allow"] = ", ".join(sorted(more["Allow"].split(", ")))
            text = f"The method must be {more['Allow']}. Received: {shown(request.method)}."
    return JSONResponse({"error": text}, code, more)


def _said(error: Exception) -> tuple[int, str]:
    """The status of HTTP for an error, and its one line: never a traceback, nor a path."""
    if isinstance(error, Refused):
        return error.status, error.text
    if isinstance(error, HTTPException):
        return error.status_code, f"{error.detail}."
    if isinstance(error, InputError):
        return 422, str(error)[:1_000]
    LOG.error("A request failed: %s", type(error).__name__, exc_info=error)
    if isinstance(error, KerasForecastError):
        return 500, "The request could not be computed. The server's log says why."
    if isinstance(error, MemoryError):
        return 503, "The server is out of memory. Ask for less."
    return 500, "The server failed at this request. Its log says how."
