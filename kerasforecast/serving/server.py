"""`kerasforecast serve`: models over HTTP until a signal ends it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, create_server, getaddrinfo, socket
from typing import TYPE_CHECKING, Any

from kerasforecast.errors import KerasForecastError, OptionError, callers_words, shown
from kerasforecast.runtime.files import user_path
from kerasforecast.runtime.signals import Deferred
from kerasforecast.serving.limits import Limits

if TYPE_CHECKING:
    from kerasforecast.serving.http.guard import Guard

LOG = logging.getLogger("kerasforecast.serving")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SHORTEST = 16  # letters of a token
_GRACE = 30  # seconds that requests have to end in


@dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        host: Name or number; the machine itself alone by default.
        port: 0 takes a free one.
    """

    host: str = "127.0.0.1"
    port: int = 8000

    @property
    def local(self) -> bool:
        """Whether nobody else's machine reaches it."""
        return self.host in _LOOPBACK


@callers_words()
def application(
    models: Sequence[str | Path],
    *,
    address: Address | None = None,
    limits: Limits | None = None,
    token_file: str | Path | None = None,
    watch: bool = False,
    retrain: bool = False,
) -> Guard:
    """The server as an ASGI application, for whoever runs it in a server of their own.

    Args:
        models: Model files, and folders of such; those are looked at every two seconds.
        address: Where it listens: of the machine itself alone it must be called so.
        limits: On requests.
        token_file: With the token that requests must bear, in its first line.
        watch: Whether outcomes are taken, and drift is told.
        retrain: Whether a model that drift calls stale is trained on with its outcomes (`fit --update`), and exchanged
            where that makes it better.

    Raises:
        OptionError: The extra is not installed, a place is no model, the token is too short, or `retrain` is asked for
            without `watch`, or of a file that is no `.keras` file.
        ArtifactError: A model file is not sound.
    """
    try:
        from kerasforecast.serving.http.app import application as made
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "prometheus_client", "anyio"):
            raise
        raise OptionError(
            f'A server needs the extra serve. Received: no {error.name}. Run: pip install "kerasforecast[serve]"'
        ) from None
    from kerasforecast.serving.shelf import Shelf

    if retrain and not watch:
        raise OptionError("--retrain needs --watch, for it is by outcomes that a model is stale. Received: no --watch.")
    address = address or Address()
    token = None if token_file is None else _token(user_path(token_file))
    shelf = Shelf([user_path(each) for each in models])
    return made(shelf, limits, watch=watch, retrain=retrain, token=token, hosts=_LOOPBACK if address.local else None)


@callers_words()
def serve(
    models: Sequence[str | Path],
    *,
    address: Address | None = None,
    limits: Limits | None = None,
    token_file: str | Path | None = None,
    watch: bool = False,
    retrain: bool = False,
    started: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; requests that have begun are answered, for 30 seconds at most.

    Arguments and errors as in `application`; also:

    Args:
        models: As there.
        address: As there.
        limits: As there.
        token_file: As there.
        watch: As there.
        retrain: As there.
        started: Called with `{"url", "models": {name: sha256}}` once requests are taken.

    Raises:
        OptionError: It would be open to other machines without a token.
        KerasForecastError: The address is taken.
    """
    address = address or Address()
    if not address.local and token_file is None:
        raise OptionError(
            f"A server that other machines reach needs --token-file. Received: --host {shown(address.host)}. "
            "Give one, or leave --host out."
        )
    app = application(models, address=address, limits=limits, token_file=token_file, watch=watch, retrain=retrain)
    try:
        import uvicorn
    except ModuleNotFoundError:
        raise OptionError(
            'A server needs the extra serve. Received: no uvicorn. Run: pip install "kerasforecast[serve]"'
        ) from None
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        limit_concurrency=1_000,
        h11_max_incomplete_event_size=64 * 1024,
    )
    with Deferred() as signals, listening(address) as place:
        name = f"[{address.host}]" if ":" in address.host else address.host
        url = f"http://{name}:{place.getsockname()[1]}/"
        LOG.info("%s (Ctrl+C ends it)", url)
        if started is not None:
            started({"url": url, "models": {each.name: each.sha256 for each in app.shelf.served.values()}})
        uvicorn.Server(config).run(sockets=[place])
        signals.take()  # uvicorn has answered it, and raises it once more for others


@contextlib.contextmanager
def listening(address: Address) -> Iterator[socket]:
    """A socket that listens at `address`.

    Raises:
        KerasForecastError: It is taken, or not this machine's.
    """
    try:
        kind = getaddrinfo(address.host, address.port, type=SOCK_STREAM)[0][0]
        found = create_server((address.host, address.port), family=kind, backlog=2_048)
    except OSError as error:
        raise KerasForecastError(
            f"The server could not listen at {address.host}:{address.port}. Received: {error.strerror or error}. "
            "Choose another --host or --port."
        ) from None
    with found:
        # Head and body of an answer are two small writes: the second would wait until the first is acknowledged, 40 ms.
        # asyncio sees to that for sockets that name TCP; those of `create_server` do not. Accepted ones inherit it.
        found.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        yield found


def _token(file: Path) -> str:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise OptionError(f"--token-file must be a file of text. Received: {file}, which cannot be read.") from None
    token = lines[0].strip() if lines else ""
    if len(token) < _SHORTEST or not token.isascii() or " " in token:
        raise OptionError(
            f"--token-file must hold a token of {_SHORTEST} or more letters in its first line. Received: {len(token)}. "
            "`openssl rand -hex 32` makes one."
        )
    return token
