"""Requests that arrive together are computed together: the network's and NumPy's fixed costs are paid once for all."""

from __future__ import annotations

import asyncio

import numpy as np

from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.serving.open_inference import forecasts
from kerasforecast.serving.shelf import Served


class Batches:
    """Windows of one turn of the event loop, by model; nobody waits for others to come."""

    def __init__(self) -> None:
        self._waiting: dict[Served, list[tuple[WindowBatch, asyncio.Future[Forecast]]]] = {}

    async def forecasts(self, served: Served, windows: WindowBatch) -> Forecast:
        """The forecasts of `windows`, computed with those that others ask for now.

        Raises:
            InputError: The model does not take them.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Forecast] = loop.create_future()
        waiting = self._waiting.setdefault(served, [])
        waiting.append((windows, future))
        if len(waiting) == 1:
            loop.call_soon(self._compute, served)
        return await future

    def _compute(self, served: Served) -> None:
        waiting = [each for each in self._waiting.pop(served) if not each[1].cancelled()]
        if not waiting:
            return
        try:
            found = forecasts(served, _joined([windows for windows, _ in waiting]))
        except ValueError:  # of one of them: each by itself, so that it alone is refused
            for windows, future in waiting:
                _alone(served, windows, future)
            return
        except Exception as error:
            for _, future in waiting:
                future.set_exception(error)
            return
        first = 0
        for windows, future in waiting:
            future.set_result(found.at(slice(first, first + len(windows))))
            first += len(windows)


def _alone(served: Served, windows: WindowBatch, future: asyncio.Future[Forecast]) -> None:
    try:
        future.set_result(forecasts(served, windows))
    except Exception as error:
        future.set_exception(error)


def _joined(each: list[WindowBatch]) -> WindowBatch:
    def together(arrays: list[np.ndarray | None]) -> np.ndarray | None:
        there = [array for array in arrays if array is not None]
        return np.concatenate(there) if there else None

    past = np.concatenate([windows.past for windows in each])
    return WindowBatch(past, together([one.known for one in each]), together([one.static for one in each]))
