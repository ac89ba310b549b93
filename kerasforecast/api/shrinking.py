"""`kerasforecast.shrink`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasforecast.errors import OptionError, callers_words

if TYPE_CHECKING:
    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel
    from kerasforecast.evaluation.smaller import Measured
    from kerasforecast.forecasting.predictor import Predictor
    from kerasforecast.model import Model


@dataclass(frozen=True)
class Shrunk:
    """A smaller model, and what it costs to have it.

    Attributes:
        path: Of its file.
        before: The model's bytes, milliseconds and scores; of `int8` the latter two as ONNX Runtime runs it in float32.
        after: Those of the smaller one.
        lost: Whether it forecasts worse on the test part, tested, in a sentence.
        note: What else is to be known, if anything.
    """

    path: Path
    before: Measured
    after: Measured
    lost: str
    note: str | None = None


@callers_words()
def shrink(
    model: str | PathLike,
    out: str | PathLike | None = None,
    *,
    distill: str | None = None,
    prune: float | None = None,
    int8: bool = False,
    data: Any = None,
    backend: str | None = None,
) -> Shrunk:
    """Make a model smaller, and say what that costs on its own test part.

    Args:
        model: Path of a `.keras` file.
        out: Path of what is written, `.onnx` for `int8`, else `.keras`; beside the model where not given.
        distill: A small network that is to learn what the model forecasts of the training windows: a family, its units
            behind a colon, e.g. `"gru:16"`, or `"linear"`.
        prune: The share of the hidden units of each layer to take out, those of the smallest weights; what is left is
            trained on from where it stands.
        int8: Write it as an ONNX file with matrices of 8 bits.
        data: The data it was trained on, where that is no longer at hand: path, DataFrame, `Panel` or `Series`.
        backend: What Keras computes with, as in `load`.

    Returns:
        The path, bytes, milliseconds and scores before and after; intervals of both are calibrated anew.

    Raises:
        kerasforecast.OptionError: Not one of `distill`, `prune` and `int8` was given, a family is unknown or has no
            units that can be taken out, or `prune` is no share.
        kerasforecast.DataError: The data is not at hand.

    Example:
        >>> import kerasforecast as kf
        >>> path = kf.fit(end="2002-01-01", window=8, units=4, layers=1, epochs=1).save("ibm.keras")
        >>> kf.shrink(path, distill="linear").path.name
        'ibm-linear.keras'
    """
    from kerasforecast.runtime.files import user_path

    ways = {"--distill": distill is not None, "--prune": prune is not None, "--int8": int8}
    asked = [way for way, given in ways.items() if given]
    if len(asked) != 1:
        received = " and ".join(asked) or "none of them"
        raise OptionError(f"A model is made smaller in one way: --distill, --prune or --int8. Received: {received}.")
    if prune is not None and not 0 < prune < 1:
        raise OptionError(f"--prune must be a share of units, above 0 and below 1. Received: {prune:g}.")
    file = user_path(model)
    suffix = ".onnx" if int8 else ".keras"
    way = "int8" if int8 else "pruned" if distill is None else distill.replace(":", "")
    target = file.with_name(f"{file.stem}-{way}{suffix}") if out is None else user_path(out)
    if target.suffix != suffix or file.suffix != ".keras" or target == file:
        raise OptionError(
            f"A .keras file is made smaller, into another that ends in {suffix}. Received: {file} into {target}."
        )
    larger = _larger(file, backend)
    panel = larger.panel_from(data)
    if int8:
        return _in_bytes(larger, file, target, panel)
    return _trained_smaller(larger, file, target, panel, distill if prune is None else float(prune))


def _larger(file: Path, backend: str | None) -> Model:
    """The model that is to become smaller.

    Raises:
        ArtifactError: It is no network.
    """
    from kerasforecast.api.loading import load
    from kerasforecast.artifact.proof import no_network

    found = load(file, backend=backend)
    if not found.manifest.in_graph:
        raise no_network(found.manifest)
    return found


def _trained_smaller(larger: Model, file: Path, target: Path, panel: Panel, wanted: str | float | None) -> Shrunk:
    """A student of the family `wanted`, or the same network without such a share of its units."""
    from kerasforecast.artifact.parent import Parent
    from kerasforecast.evaluation.smaller import (
        begun_beside,
        begun_thinned,
        judged_alike,
        lost,
        measured,
        student_config,
        taught,
        trained,
    )
    from kerasforecast.pipeline import model_of

    manifest = larger.manifest
    before_it = Parent(manifest, larger.predictor.weights, "init-from", file)
    if isinstance(wanted, float):
        begun, fitting = begun_thinned(manifest.config, panel, target.stem, before_it, wanted)
        note, leaving = " ".join(begun.said) or None, trained(begun, fitting)
    else:
        config = student_config(manifest.config, manifest.window, str(wanted))
        begun, note = begun_beside(config, panel, target.stem, before_it)
        leaving = taught(begun, larger.predictor)
    path = model_of(leaving, panel).save(target, deflated=True)
    _, before = judged_alike(begun, larger.predictor)
    some = begun.sets[0].windows.batch(slice(0, 1_000))
    return Shrunk(
        path,
        measured(file.stat().st_size, manifest.members, larger.predictor, before, some),
        measured(path.stat().st_size, leaving.manifest.members, leaving.predictor, leaving.test, some),
        lost(begun, leaving.predictor, larger.predictor, before_it),
        note,
    )


def _in_bytes(larger: Model, file: Path, target: Path, panel: Panel) -> Shrunk:
    from kerasforecast.artifact.onnx.quantised import bytes_of_arrays, quantised, with_manifest
    from kerasforecast.artifact.onnx.writer import onnx_bytes
    from kerasforecast.artifact.parent import Parent
    from kerasforecast.artifact.reader import read_network
    from kerasforecast.evaluation.evaluation import metrics_of
    from kerasforecast.evaluation.smaller import begun_beside, judged_alike, lost, measured
    from kerasforecast.forecasting.adaptive import adapted_after
    from kerasforecast.forecasting.onnx_predictor import OnnxPredictor
    from kerasforecast.runtime.files import atomic_write

    manifest = larger.manifest
    teacher = Parent(manifest, larger.predictor.weights, "init-from", file)
    begun, note = begun_beside(manifest.config, panel, target.stem, teacher)
    whole = onnx_bytes(*read_network(file))
    small = quantised(whole)
    one, other = (OnnxPredictor(manifest.members, content, str(target)) for content in (whole, small))
    forecaster, after = judged_alike(begun, other)
    _, before = judged_alike(begun, one)
    diagnosis = manifest.metrics.diagnosis if manifest.metrics else None
    changed = manifest.updated(
        name=target.stem,
        golden=_answered(manifest, other),
        metrics=metrics_of(after, panel.target, diagnosis),
        baselines=begun.baselines,
        calibration=forecaster.calibration,
        adapted=adapted_after(begun.parts.seen, after.adapted),
    )
    content = with_manifest(small, changed)
    _prove(content, target)
    atomic_write(target, content)
    some = begun.sets[0].windows.batch(slice(0, 1_000))
    return Shrunk(
        target,
        measured(file.stat().st_size, manifest.members, one, before, some),
        measured(len(content), manifest.members, other, after, some, bytes_of_arrays(small)),
        lost(begun, other, one, teacher),
        note,
    )


def _answered(manifest: Manifest, predictor: Predictor) -> Any:
    """The golden batch, as `predictor` answers it."""
    from kerasforecast.artifact.proof import golden_of

    golden = golden_of(manifest)
    found = predictor.outputs(golden.windows)
    return golden.model_copy(update={"forecast": found.reshape(len(found), -1).tolist()})


def _prove(content: bytes, target: Path) -> None:
    """Open what is to be written as anybody would, before it is."""
    from kerasforecast.api.loading import load

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / target.name
        place.write_bytes(content)
        load(place)
