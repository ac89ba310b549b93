"""A smaller model in the place of a larger one: taught by it, without some of its units, or in 8 bits; what that costs.

A student learns what its teacher forecasts of the training windows, not what happened: the teacher's median, or where
both have a quantile head draws from the teacher's quantile function, whose pinball loss is least at the teacher's own
quantiles. Validation stays what happened: it is by outcomes that training stops, and that intervals are calibrated.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.artifact.manifest import MemberRecord
from kerasforecast.artifact.parent import Parent
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError, shown
from kerasforecast.evaluation.cold_start import evaluate_parts
from kerasforecast.evaluation.evaluation import Evaluation
from kerasforecast.evaluation.intervals import paced_windows
from kerasforecast.evaluation.leaving import Begun, Leaving, begin
from kerasforecast.evaluation.parent import against_parent, unlearned
from kerasforecast.forecasting.fitting import Fitting
from kerasforecast.forecasting.forecaster import Forecaster
from kerasforecast.forecasting.parts import Part
from kerasforecast.metrics.significance import ALPHA
from kerasforecast.models.families import registry
from kerasforecast.models.member import Member
from kerasforecast.models.thinning import thinned
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.preprocessing.windows import Windows
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.section import checked

if TYPE_CHECKING:
    from kerasforecast.forecasting.predictor import Predictor

_DRAWS = 4  # of each window, from its quantile function
_RUNS = {1: 50, 1_000: 5}  # of which the median counts, by the size of the batch
_NETWORK = ("window", "horizon", "scaling", "centre", "unit", "target_transform", "quantiles")


@dataclass(frozen=True)
class Measured:
    """What a model costs and is worth.

    Attributes:
        bytes: Of its file.
        weights: Bytes of these that hold its numbers; the others are its graph, and all that is known of it.
        parameters: Numbers in it.
        milliseconds: To forecast a batch, by its size; the median of several runs by one process.
        mase: On the test part; `None` where it is not defined. Of several series the mean over them.
        crps: Likewise, in price units; of several series in units of each.
        coverage: Of each interval on the test part.
    """

    bytes: int
    weights: int
    parameters: int
    milliseconds: dict[int, float]
    mase: float | None
    crps: float | None
    coverage: dict[str, float | None]


def student_config(teacher: Config, window: int, wanted: str) -> Config:
    """The configuration of a student of `teacher`: `gru:16` for one layer of 16 units, `linear` for a linear map.

    Raises:
        OptionError: There is no such family, or it has no units.
    """
    name, _, units = wanted.partition(":")
    fields = registry.family(name).options.model_fields if name in registry.names() else {}
    if name not in registry.names() or (units and not (units.isdecimal() and "units" in fields)):
        raise OptionError(
            f"--distill must be a family, its units behind a colon, e.g. gru:16, or linear. Received: {shown(wanted)}."
        )
    small = {"layers": 1, "dropout": 0.0} | ({"units": int(units)} if units else {})
    own = {option: value for option, value in small.items() if option in fields}
    kept = {option: getattr(teacher.network, option) for option in _NETWORK} | {"window": window, "model": name}
    training = Config.from_options(model=name).training.model_copy(
        update={"seed": teacher.training.seed, "final": "none"}
    )
    return teacher.model_copy(update={"network": checked(NetworkConfig, kept | own), "training": training})


def begun_beside(config: Config, panel: Panel, name: str, teacher: Parent) -> tuple[Begun, str | None]:
    """All of a fit but its training, its test part without the windows that `teacher` has learned from.

    Returns:
        It, and what to say of those windows.
    """
    begun, _ = begin(config, panel, name, None)
    parts, learned, note = unlearned(begun.parts, teacher)
    return replace(begun, parts=parts, learned=learned), note


def begun_thinned(config: Config, panel: Panel, name: str, larger: Parent, share: float) -> tuple[Begun, Fitting]:
    """The same for a network with fewer hidden units than `larger`, which it begins as.

    Args:
        config: Of the larger model.
        panel: What that was trained on.
        name: Of the smaller one.
        larger: A model of one network.
        share: Of the units that go.

    Raises:
        OptionError: It is of several networks, or has no units that can be taken out.
    """
    manifest, networks = larger.manifest, len(larger.manifest.members)
    if networks > 1:
        raise OptionError(f"--prune takes units out of one network. Received: {networks}. --distill takes several.")
    member, weights = thinned(larger.member, larger.weights, share)
    same = config.network.model == member.network.model
    training = (config if same else Config.from_options(model=member.network.model)).training
    training = training.model_copy(update={"seed": config.training.seed, "final": "none"})
    own = config.model_copy(update={"network": member.network, "training": training})
    begins_as = manifest.model_copy(update={"members": (MemberRecord.of(member),)})
    begun, fitting = begin(own, panel, name, None, replace(larger, manifest=begins_as, weights=weights))
    return replace(begun, parent=larger), fitting  # it is compared with all of it


def trained(begun: Begun, fitting: Fitting) -> Leaving:
    """A network trained as any is, and scored."""
    started = time.perf_counter()
    fitted = fitting.train()
    seconds = time.perf_counter() - started
    return begun.scored([Part(begun.member, begun.config.training, fitted, fitting.trained, fitting.steps, seconds)])


def taught(begun: Begun, teacher: Predictor) -> Leaving:
    """A student trained on what `teacher` forecasts of the training windows, and scored."""
    known, held = begun.sets
    return trained(begun, Fitting(begun.member, begun.config.training, lessons(known, begun.member, teacher), held))


def lessons(training: TrainingSet[Windows], member: Member, teacher: Predictor) -> TrainingSet[Windows]:
    """`training` with what `teacher` forecasts in the place of what happened, in the student's scaled units.

    Of a quantile head each window comes several times, each time with another draw for each step.
    """
    quantiles = bool(teacher.levels and member.network.quantiles)
    windows = training.windows
    random = np.random.default_rng(0)
    targets: list[list[np.ndarray]] = [[] for _ in range(_DRAWS if quantiles else 1)]
    for chunk in windows.chunks():
        batch = windows.batch(chunk)
        answers = teacher.outputs(batch)
        places = random.permuted(np.tile(np.arange(_DRAWS), (len(batch), member.network.horizon, 1)), axis=-1)
        for number, each in enumerate(targets):
            raw = teacher.medians(answers)
            if quantiles:
                share = (places[:, :, number] + random.uniform(size=places.shape[:2])) / _DRAWS
                raw = _at(answers.astype(np.float64), np.asarray(teacher.levels), share)
            each.append(member.scaling.scaled_targets(batch.past.astype(np.float64), raw.astype(np.float64)))
    whole = np.concatenate([part for each in targets for part in each]).astype(np.float32)
    return TrainingSet(replace(windows, origins=np.tile(windows.origins, len(targets))), whole)


def _at(quantiles: np.ndarray, levels: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The quantile function `(B, H, K)` at `share` `(B, H)`, straight between its levels and level beyond them."""
    right = np.clip(np.searchsorted(levels, share), 1, max(1, len(levels) - 1))
    if len(levels) == 1:
        return quantiles[:, :, 0]
    low, high = levels[right - 1], levels[right]
    weight = np.clip((share - low) / (high - low), 0, 1)[..., None]
    before = np.take_along_axis(quantiles, (right - 1)[..., None], 2)
    after = np.take_along_axis(quantiles, right[..., None], 2)
    return ((1 - weight) * before + weight * after)[..., 0]


def judged_alike(begun: Begun, predictor: Predictor) -> tuple[Forecaster, Evaluation]:
    """A network with intervals calibrated on this validation part, and its scores on this test part."""
    plain = Forecaster(predictor, begun.config, begun.baselines.volatility, context=begun.split.context)
    forecaster = plain.calibrated(begun.checked, paced_windows(begun.config, begun.panel, begun.split))
    return forecaster, evaluate_parts(forecaster, begun.parts, begun.baselines, begun.split, lambda windows: {})


def lost(begun: Begun, smaller: Predictor, larger: Predictor, teacher: Parent) -> str:
    """Whether the smaller model forecasts worse on the test part, by squared errors, tested, in a sentence."""
    test = against_parent(smaller, larger, teacher, begun.parts.seen, begun.baselines.volatility)
    if not test.rmse or not test.parent_rmse:
        return f"Whether anything was lost cannot be said: {test.text}."
    ratio = f"its RMSE is {test.rmse / test.parent_rmse:.3f} times the original's"
    if test.p_value is None:
        return f"{ratio[0].upper()}{ratio[1:]}, on {test.n:,} forecasts, too few to test."
    how = f"{ratio}, p = {test.p_value:.2f} on {test.n:,} forecasts of the test part"
    if test.p_value >= ALPHA:
        return f"Nothing was lost that a test could see: {how}."
    return f"It forecasts {'worse' if test.rmse > test.parent_rmse else 'better'} than the original: {how}."


def measured(
    size: int,
    members: Sequence[Member],
    predictor: Predictor,
    test: Evaluation,
    some: WindowBatch,
    weights: int | None = None,
) -> Measured:
    """What a model costs and is worth; its `weights` take so many bytes, 4 each where nothing else is said."""
    numbers = sum(member.parameters_saved for member in members)
    scores: dict[str, Any] = test.scores["model"]
    crps = scores.get("scaled_crps")
    return Measured(
        bytes=size,
        weights=4 * numbers if weights is None else weights,
        parameters=numbers,
        milliseconds={count: _milliseconds(predictor, some, count) for count in _RUNS},
        mase=scores.get("mase"),
        crps=scores.get("crps") if crps is None else crps,
        coverage=dict(scores.get("coverage", {})),
    )


def _milliseconds(predictor: Predictor, some: WindowBatch, count: int) -> float:
    batch = some.at(np.arange(count) % len(some))
    predictor.outputs(batch)  # what is compiled at first is no forecast's cost
    times = []
    for _ in range(_RUNS[count]):
        started = time.perf_counter()
        predictor.outputs(batch)
        times.append(time.perf_counter() - started)
    return 1_000 * statistics.median(times)
