"""What takes time, beside the loop that takes requests: a few threads, a bounded queue, a limit on each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from kerasforecast.serving.limits import Limits, Refused

Found = TypeVar("Found")


class Work:
    """Runs functions in threads; turns away what would wait too long.

    Args:
        limits: On how many wait, and how long one may take.
        threads: That work at once.
    """

    def __init__(self, limits: Limits, threads: int = 2) -> None:
        self._limits, self._waiting = limits, 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kerasforecast")

    async def run(self, call: Callable[..., Found], *arguments: Any) -> Found:
        """What `call` gives.

        Raises:
            Refused: Too many wait already, or it takes too long: it then ends unheard, and counts until it does.
        """
        if self._waiting >= self._limits.waiting:
            raise Refused(503, f"At most {self._limits.waiting} requests may wait. Received: one more. Ask again soon.")
        self._waiting += 1
        future = self._pool.submit(call, *arguments)
        future.add_done_callback(self._loop_callback(asyncio.get_running_loop()))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._limits.seconds)
        except TimeoutError:
            raise Refused(
                503, f"An answer may take {self._limits.seconds:g} s. Received: more. Ask for less."
            ) from None

    def close(self) -> None:
        """Wait for what runs, drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _loop_callback(self, loop: asyncio.AbstractEventLoop) -> Callable[[Future[Any]], None]:
        def done(_: Future[Any]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._one_less)

        return done

    def _one_less(self) -> None:
        self._waiting -= 1


async def body_of(request: Request, limits: Limits) -> bytes:
    """The body of a request, whole.

    Raises:
        Refused: It is larger than the limit, or too slow.
    """
    parts: list[bytes] = []
    size = 0
    too_large = Refused(413, f"A body may have {limits.body:,} bytes. Received: more. Send less at once.")
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > limits.body):
        raise too_large
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.body:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise Refused(408, f"A body must arrive within {limits.seconds:g} s. Received: a slower one.") from None
    except ClientDisconnect:
        raise Refused(400, "A body must be whole. Received: its beginning.") from None
    return b"".join(parts)
