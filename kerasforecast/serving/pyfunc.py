"""MLflow: a model file as its flavour `python_function`, which is saved, logged and loaded like any other of MLflow's.

MLflow keeps the file itself and the name of this module; nothing is pickled. What is loaded takes the rows so far as a
DataFrame and gives the forecast as another.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kerasforecast.errors import OptionError, shown
from kerasforecast.runtime.extras import not_installed
from kerasforecast.runtime.files import user_path

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.model import Model


def save_model(model: str | PathLike, path: str | PathLike) -> Path:
    """Save a model file as a model of MLflow's.

    Args:
        model: Path of a `.keras` or `.onnx` file; the latter needs neither Keras nor a backend where it is loaded.
        path: Of the folder to be written.

    Returns:
        That path.

    Raises:
        OptionError: The extra is not installed.
        ArtifactError: The model file is not sound.

    Example:
        >>> save_model("ibm.onnx", "ibm-mlflow")  # doctest: +SKIP
        >>> mlflow.pyfunc.load_model("ibm-mlflow").predict(rows, params={"steps": 5})  # doctest: +SKIP
    """
    target = Path(path)
    _mlflow().pyfunc.save_model(path=str(target), **_facts(model))
    return target


def log_model(model: str | PathLike, name: str | None = None) -> Any:
    """Log a model file to the run of MLflow that is active, as a model of it.

    Args:
        model: Path of a `.keras` or `.onnx` file.
        name: What the run calls it; the model's own name where not given.

    Returns:
        MLflow's `ModelInfo`, whose `model_uri` opens it.

    Raises:
        OptionError: The extra is not installed.
        ArtifactError: The model file is not sound.
    """
    return _mlflow().pyfunc.log_model(name=name or user_path(model).stem, **_facts(model))


class Forecasts:
    """What MLflow loads: rows in, forecasts out.

    Args:
        model: Opened and proved.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The forecast of what follows `rows`, as `kerasforecast.model.Model.forecast` gives it, dates as a column.

        Args:
            rows: The history: a date and the model's columns; of several series their id too.
            params: `steps`, how many rows ahead; the model's horizon where not given.

        Raises:
            InputError: The rows are not what the model takes.
        """
        steps = (params or {}).get("steps", self._model.manifest.horizon)
        return self._model.forecast(int(steps), self._model.panel_from(rows)).reset_index()


def _load_pyfunc(path: str) -> Forecasts:
    """What MLflow calls with the path of the file, or of a folder that holds it."""
    from kerasforecast.api.loading import load

    place = Path(path)
    if place.is_dir():
        (place,) = (each for each in place.iterdir() if each.suffix in (".keras", ".onnx"))
    return Forecasts(load(place))


def _facts(model: str | PathLike) -> dict[str, Any]:
    """What MLflow is told of a model file, once it has been opened."""
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    from kerasforecast.api.loading import load

    file = user_path(model)
    if file.suffix not in (".keras", ".onnx"):
        raise OptionError(f"A model for MLflow must be a .keras or .onnx file. Received: {shown(file.name)}.")
    manifest = load(file).manifest
    extra = "onnx" if file.suffix == ".onnx" else "jax"
    return {
        "loader_module": __name__,
        "data_path": str(file),
        "signature": ModelSignature(params=ParamSchema([ParamSpec("steps", "long", manifest.horizon)])),
        "pip_requirements": [f"kerasforecast[{extra}]"],
        "metadata": {"target": manifest.target, "window": manifest.window, "horizon": manifest.horizon},
    }


def _mlflow() -> ModuleType:
    try:
        import mlflow.pyfunc
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mlflow":
            raise
        raise not_installed("Models are saved for MLflow by its package", "mlflow") from None
    return mlflow
