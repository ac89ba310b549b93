"""What a server refuses, and how: every bound on a request in one place."""

from __future__ import annotations

from dataclasses import dataclass

from kerasforecast.errors import printable


@dataclass(frozen=True)
class Limits:
    """Bounds on one request, and on all that wait.

    Attributes:
        body: Bytes of a request's body.
        rows: Of its table, over all series.
        series: Of its table.
        steps: Rows ahead.
        windows: Of one inference.
        seconds: For a body to arrive, and again for its answer.
        waiting: Requests that are computed or wait for it; more are turned away.
    """

    body: int = 8 * 2**20
    rows: int = 100_000
    series: int = 1_000
    steps: int = 1_000
    windows: int = 4_096
    seconds: float = 10.0
    waiting: int = 64


class Refused(Exception):
    """A request that is not answered as asked.

    Attributes:
        status: Of HTTP.
        text: One line: the rule, what was received, what to do.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, printable(text)[:1_000]
