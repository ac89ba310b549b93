"""A model's paths beside those of its rivals, on the test part: as distributions of whole futures.

Its rivals are the simple ones as paths (`kerasforecast.baselines.paths`) and, because it is as good as most of what is
published, the model's own point forecast with the normal distribution of its validation errors; and its own single
steps, joined by the Gaussian copula of their ranks on validation, which says whether whole paths were worth drawing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kerasforecast.artifact.path_scores import PathScore, PathScores, PathTest
from kerasforecast.baselines.fitted import Baselines
from kerasforecast.baselines.paths import copula_paths, gaussian_paths, rival_paths
from kerasforecast.metrics.paths import (
    energy_scores,
    path_coverage,
    rank_histogram,
    sample_crps,
    variogram_scores,
)
from kerasforecast.metrics.significance import ALPHA, compare_origins
from kerasforecast.preprocessing.paths import path_quantiles
from kerasforecast.preprocessing.split import Split
from kerasforecast.preprocessing.sums import evenly
from kerasforecast.preprocessing.windows import Windows, windows_of

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

_MOST_WINDOWS = 1_000  # evenly spread: a window of 100 paths takes milliseconds
_SHARES = (0.5, 0.8, 0.95)
_BANDS = (0.8, 0.95)
_OWN = "own_steps"


def judged_paths(
    predictor: Predictor,
    windows: Windows,
    validation: Windows,
    baselines: Baselines,
    split: Split,
    departed: float | None = None,
) -> PathScores | None:
    """How good a model's paths are; `None` of a model that draws none, or is scored farther ahead than they reach.

    Args:
        predictor: The network.
        windows: Of the test part.
        validation: Those whose errors are known.
        baselines: What says which seasons there are, and how moves are measured.
        split: Where the history ends.
        departed: The share that is kept of what training changed, if validation said so.
    """
    if not predictor.paths or windows.steps > predictor.horizon:
        return None
    windows, validation = (_few(each) for each in (windows, validation))
    several = len(windows.panel) > 1
    unit = baselines.volatility.standard_moves(windows.context(), 1) if several else np.ones((1, 1))  # (N, 1)
    actual, losses, each, ranks = windows.targets() / unit, {}, {}, []
    stride = _stride(windows)
    for name, paths in _contestants(predictor, windows, validation, baselines, split):
        samples = paths[:, :, : windows.steps] / unit[:, None]
        losses[name] = {"crps": sample_crps(actual, samples).mean(axis=1), "energy": energy_scores(actual, samples)}
        each[name] = _score(actual, samples, {loss: float(of.mean()) for loss, of in losses[name].items()})
        if name == "model":
            ranks = rank_histogram(actual, samples)
    overlap = -(-windows.steps // stride)
    tests = tuple(
        PathTest(rival=rival, **compare_origins(losses["model"][loss], losses[rival][loss], loss, overlap))
        for rival in each
        if rival != "model"
        for loss in ("crps", "energy")
    )
    return PathScores(
        windows=len(windows),
        paths=predictor.paths,
        unit="moves" if several else "values",
        each=each,
        tests=tests if not several else (),  # neighbouring windows may be of other series
        ranks=tuple(ranks),
        departed=departed,
    )


def path_lines(found: PathScores) -> list[str]:
    """What they say, for the terminal."""
    rivals = {name: score.energy for name, score in found.each.items() if name not in ("model", _OWN)}
    second = min(rivals, key=rivals.__getitem__)
    first = rivals[second]
    ours = found.each["model"]
    lines = [
        f"Paths, {found.paths} each of {found.windows:,} windows: energy score {ours.energy / first:.3f} of that of "
        f"{second.replace('_', ' ')} paths, CRPS {ours.crps / found.each[second].crps:.3f}{_certain(found, second)}."
    ]
    held = ", ".join(
        f"{100 * share:.0f} % of whole paths in the band of {float(band) * 100:g} %"
        for band, share in ours.path_coverage.items()
    )
    lines.append(f"Held {held}.")
    if own := found.each.get(_OWN):
        ratio = ours.energy / own.energy
        lines.append(f"Its single steps joined by a Gaussian copula: its own energy score is {ratio:.3f} of theirs.")
    return [*lines, *kept_lines(found.departed)]


def kept_lines(departed: float | None) -> list[str]:
    """What validation keeps of a training, in a sentence; none where it was not asked."""
    if departed is None:
        return []
    if departed == 0:
        return ["Validation keeps nothing of what training changed: past errors, as whole paths, do as well."]
    return [f"Validation keeps {100 * departed:.0f} % of what training changed of the paths it began with."]


def _certain(found: PathScores, rival: str) -> str:
    test = next((each for each in found.tests if each.rival == rival and each.loss == "energy"), None)
    if test is None or test.p_value is None:
        return ""
    luck = "no luck" if test.p_value < ALPHA else "may be luck"
    return f" (energy: p = {test.p_value:.2g}, {luck})"


def _contestants(
    predictor: Predictor, windows: Windows, validation: Windows, baselines: Baselines, split: Split
) -> Iterator[tuple[str, np.ndarray]]:
    ours, before = (_paths(predictor, each) for each in (windows, validation))
    yield "model", ours
    panel, steps, count = windows.panel, windows.steps, predictor.paths
    past = np.concatenate([split.origins(part, steps) for part in ("train", "validation")])
    history = windows_of(panel, np.sort(past), windows.window, steps)
    yield from rival_paths(windows, history, baselines.volatility, baselines.periods, count)
    point, moves = np.median(ours, axis=1), baselines.volatility.standard_moves(windows.context(), steps)
    then = baselines.volatility.standard_moves(validation.context(), steps)
    errors = (validation.targets() - np.median(before, axis=1)[:, :steps]) / then
    yield "point_gaussian", gaussian_paths(point[:, :steps], moves, errors, count, np.random.default_rng(9))
    levels = (np.arange(count) + 0.5) / count
    own, known = (np.moveaxis(each[:, :, :steps], 1, 2) for each in (ours, before))  # quantiles, once in order
    yield _OWN, copula_paths(own, known, validation.targets(), levels, count)


def _paths(predictor: Predictor, windows: Windows) -> np.ndarray:
    return np.concatenate([predictor.outputs(windows.batch(chunk)) for chunk in windows.chunks()])


def _score(actual: np.ndarray, samples: np.ndarray, means: dict[str, float]) -> PathScore:
    covered = {}
    for share in _SHARES:
        ends = path_quantiles(samples, [(1 - share) / 2, (1 + share) / 2])
        covered[f"{share:g}"] = float(np.mean((ends[..., 0] <= actual) & (actual <= ends[..., 1])))
    whole = {f"{band:g}": path_coverage(actual, samples, band) for band in _BANDS}
    variogram = float(variogram_scores(actual, samples).mean())
    return PathScore(**means, variogram=variogram, coverage=covered, path_coverage=whole)


def _few(windows: Windows) -> Windows:
    return replace(windows, origins=windows.origins[evenly(len(windows), _MOST_WINDOWS)])


def _stride(windows: Windows) -> int:
    """Rows between neighbouring windows."""
    return max(1, int(np.median(np.diff(windows.origins)))) if len(windows) > 1 else 1
