"""How an explanation is made, and the page that it is written to."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.artifact.proof import no_network
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.explain import drawings
from kerasforecast.explain.attention import attention
from kerasforecast.explain.findings import Findings
from kerasforecast.explain.inside import inside, states_of
from kerasforecast.explain.memory import memory_of
from kerasforecast.explain.origin import Origin, origin_of
from kerasforecast.explain.page import explanation_page
from kerasforecast.explain.reach import reach_of
from kerasforecast.explain.whatif import what_if
from kerasforecast.explain.why import why
from kerasforecast.runtime.files import atomic_write, user_path

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor


class Explanation(Findings):
    """Why one forecast is what it is, and what the model makes of its data: `lines`, `table`, `numbers` and a page.

    Example:
        >>> import kerasforecast as kf
        >>> model = kf.fit(end="2002-01-01", window=8, units=4, layers=1, epochs=1)
        >>> found = model.explain()
        >>> found.table.columns[:3].tolist()
        ['forecast', 'naive', 'the last move']
    """

    def save(self, path: str | PathLike) -> Path:
        """Write the explanation as one HTML page that needs no network.

        Args:
            path: Of the page; it ends in `.html`.

        Returns:
            The same path.

        Raises:
            OptionError: It ends otherwise.
        """
        file = page_path(path)
        atomic_write(file, explanation_page(self).encode())
        return file


def explain(
    manifest: Manifest,
    predictor: Predictor,
    panel: Panel,
    at: object = None,
    *,
    memory: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Explain one forecast.

    Args:
        manifest: Of the model.
        predictor: Its network.
        panel: The data, of which the first series is explained.
        at: The last date, or step, that the forecast knows; the last row where `None`.
        memory: Whether to train networks that show how far each kind remembers; it takes a few minutes.
        say: Told what goes on, and what was decided.

    Raises:
        DataError: There are too few rows, or values that the network cannot take.
        OptionError: `at` is no date or step of the series.
    """
    begun = time.perf_counter()
    if not manifest.in_graph:
        raise no_network(manifest)
    origin = origin_of(panel, predictor, manifest.context, at)
    if origin.note:
        say(origin.note)
    say(f"Forecast after {origin.date}, by what was known then")
    split = why(predictor, origin, manifest.baselines)  # first, for it refuses a file that holds no network of Keras
    inner = inside(predictor, origin)
    return Explanation(
        manifest=manifest,
        origin=origin,
        why=split,
        what_if=what_if(predictor, origin),
        reach=reach_of(manifest, predictor, panel),
        parts=_parts(predictor, origin),
        inside=inner,
        states=None if inner is None else states_of(predictor, inner, origin),
        attention=attention(predictor, origin),
        process=_process(predictor, origin),
        memory=memory_of(predictor, manifest.config, panel, say) if memory else None,
        seconds=time.perf_counter() - begun,
    )


def page_path(path: str | PathLike) -> Path:
    """Where a page is to be written.

    Raises:
        OptionError: It is no `.html` file.
    """
    file = user_path(path)
    if file.suffix.lower() != ".html":
        raise OptionError(f"An explanation is written as a page that ends in .html. Received: {file}. Name it so.")
    return file


def _process(predictor: Predictor, origin: Origin) -> pd.DataFrame | None:
    from kerasforecast.forecasting.process import reverse

    if not predictor.paths:
        return None
    return reverse(predictor, origin.windows, pd.Index(drawings.rows_ahead(origin)))


def _parts(predictor: Predictor, origin: Origin) -> dict[str, np.ndarray]:
    try:
        return {name: part[0].astype(np.float64) for name, part in predictor.parts(origin.batch).items()}
    except OptionError:
        return {}
