"""Several downloads at once: a few threads, answers as they come, an end where nobody answers."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from kerasforecast.data.yahoo.client import Deadline, DownloadError, Query

AT_ONCE = 4  # more would only be refused sooner
SIGN_OF_LIFE = 3.0  # seconds between two lines that say what is waited for
Result = TypeVar("Result")
log = logging.getLogger("kerasforecast.data")


class Downloads(Generic[Result]):
    """Iterate to get each query with its result, or with the exception that `work` raised, in order of completion.

    Work is done in threads, also for one query: while curl waits, Python cannot act on a signal in the same thread.
    They are daemons, so that nobody waits for them after one. Once a download has failed for good and none has
    succeeded since it began, those not begun are not tried: the network is down, or Yahoo wants to be left alone.
    """

    def __init__(self, work: Callable[[Query, Deadline], Result], queries: Sequence[Query], timeout: float) -> None:
        self._work = work
        self._timeout = timeout
        self._waiting = queue.SimpleQueue[Query]()
        self._done = queue.SimpleQueue[tuple[Query, Result | Exception]]()
        self._left = dict.fromkeys(queries)  # in order, for the lines that say what is waited for
        self._last_success = 0.0
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[tuple[Query, Result | Exception]]:
        for query in self._left:
            self._waiting.put(query)
        for _ in range(min(AT_ONCE, len(self._left))):
            threading.Thread(target=self._serve, daemon=True).start()
        began = time.monotonic()
        try:
            while self._left:
                try:
                    query, outcome = self._done.get(timeout=SIGN_OF_LIFE)
                except queue.Empty:
                    log.info("%s: waiting for Yahoo, %.0f s so far.", self._names(), time.monotonic() - began)
                    continue
                del self._left[query]
                yield query, outcome
        finally:
            self._stopped.set()

    def _names(self) -> str:
        names = [query.ticker for query in self._left]
        return ", ".join(names[:AT_ONCE]) + (f" and {len(names) - AT_ONCE} more" if len(names) > AT_ONCE else "")

    def _serve(self) -> None:
        while True:
            try:
                query = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._done.put((query, self._outcome(query)))

    def _outcome(self, query: Query) -> Result | Exception:
        if self._stopped.is_set():
            return DownloadError(
                f"{query.ticker}: not asked, since Yahoo answered none of those before it. Received: no answer. "
                "Try again later."
            )
        began = time.monotonic()
        try:
            found = self._work(query, Deadline(self._timeout))
        except Exception as error:  # an unforeseen one too: the main thread raises it
            if isinstance(error, DownloadError) and self._last_success < began:
                self._stopped.set()
            return error
        self._last_success = time.monotonic()
        return found
