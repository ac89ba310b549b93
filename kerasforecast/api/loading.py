"""`kerasforecast.load`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from kerasforecast.errors import ArtifactError, callers_words

if TYPE_CHECKING:
    import numpy as np

    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.forecasting.predictor import Predictor
    from kerasforecast.model import Model


@callers_words()
def load(path: str | PathLike, *, backend: str | None = None) -> Model:
    """Open a `.keras` file written by `fit` or `Model.save`, whatever backend it was trained on; or an `.onnx` file.

    An ONNX file, which `export` writes, forecasts and is scored without Keras or any backend. Either is checked before
    anything of it is used; see "Models from strangers" in `docs/en/guides/exporting.md`.

    Args:
        path: Of the model file.
        backend: What computes a `.keras` file, `"jax"`, `"tensorflow"` or `"torch"`; it can be chosen only before
            Keras has loaded.

    Returns:
        The model, with its scores, verdict and history as after the fit.

    Raises:
        kerasforecast.ArtifactError: The file is damaged, altered, or not one of ours.
        kerasforecast.BackendError: The backend is not installed, or Keras has loaded with another.

    Example:
        >>> import kerasforecast as kf
        >>> model = kf.fit(end="2002-01-01", window=8, units=4, layers=1, epochs=1)
        >>> path = model.save("saved_models/ibm.keras")
        >>> kf.load(path).verdict == model.verdict
        True
    """
    from kerasforecast.artifact.reader import read
    from kerasforecast.runtime.backend import activate, choose, load_quietly
    from kerasforecast.runtime.files import user_path

    if backend:
        choose(backend)
    file = user_path(path)
    if file.suffix == ".onnx":
        return _from_onnx(file, backend)
    manifest, weights = read(file)  # what is wrong is refused before the seconds that Keras takes to load
    if not manifest.in_graph:  # nor is any backend needed for what is no network
        from kerasforecast.model import Model

        return Model(manifest, weights)
    activate(backend)
    load_quietly()
    return proven(file, manifest, weights)


def _from_onnx(file: Path, backend: str | None) -> Model:
    from kerasforecast.artifact.onnx.reader import read_onnx
    from kerasforecast.errors import OptionError
    from kerasforecast.forecasting.onnx_predictor import OnnxPredictor

    if backend:
        raise OptionError(f"An ONNX file is computed by ONNX Runtime. Received: --backend {backend}. Leave it out.")
    manifest, content = read_onnx(file)
    return proven(file, manifest, (), OnnxPredictor(manifest.members, content, str(file)))


def proven(path: Path, manifest: Manifest, weights: Sequence[np.ndarray], predictor: Predictor | None = None) -> Model:
    """The model that `kerasforecast.artifact.reader.read` found at `path`, rebuilt and proved by its golden batch.

    Raises:
        ArtifactError: It computes something else than when it was written.
    """
    from kerasforecast.artifact.proof import GOLDEN_TOLERANCE
    from kerasforecast.model import Model

    model = Model(manifest, weights, predictor=predictor)
    error = model.golden_error()
    if not error <= GOLDEN_TOLERANCE:
        raise ArtifactError(
            f"{path}: must forecast its golden batch within {GOLDEN_TOLERANCE:g} scaled units. Received: {error:.2g}. "
            "The file was altered, or this machine computes differently; train it again."
        )
    return model
