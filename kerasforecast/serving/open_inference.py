"""Tensors in, tensors out: the Open Inference Protocol, version 2, of raw windows and their forecasts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasforecast.artifact.format.strict_json import parse_json
from kerasforecast.errors import InputError, shown
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.serving.limits import Limits, Refused

if TYPE_CHECKING:
    from kerasforecast.forecasting.forecast import Forecast
    from kerasforecast.serving.shelf import Served

_KINDS = {"FP32": np.float32, "FP64": np.float64, "INT32": np.int32, "INT64": np.int64}


def metadata(served: Served) -> dict[str, Any]:
    """What the protocol says of a model: its inputs and outputs, with -1 for the number of windows."""
    manifest, model = served.model.manifest, served.model
    outputs = [{"name": "forecast", "datatype": "FP64", "shape": [-1, manifest.horizon]}]
    if model.forecaster.calibration is not None:
        outputs.append(
            {"name": "quantiles", "datatype": "FP64", "shape": [-1, manifest.horizon, len(model.config.levels)]}
        )
    inputs = [{"name": name, "datatype": "FP32", "shape": [-1, *shape]} for name, shape in shapes(served).items()]
    return {
        "name": served.name,
        "versions": [served.sha256],
        "platform": "onnxruntime_onnx" if served.runtime == "onnx" else f"{served.runtime}_{served.runtime}",
        "inputs": inputs,
        "outputs": outputs,
    }


def shapes(served: Served) -> dict[str, tuple[int, ...]]:
    """The inputs of a model, each with the shape of one window."""
    manifest = served.model.manifest
    roles, rows = manifest.roles, manifest.window + manifest.horizon
    found: dict[str, tuple[int, ...]] = {"past": (manifest.window, 1 + len(roles.past))}
    if roles.known:
        found["known"] = (rows, len(roles.known))
    if roles.static:
        found["static"] = (len(roles.static),)
    return found


def read(body: bytes, served: Served, limits: Limits) -> tuple[WindowBatch, str | None]:
    """The windows of a request, and its id.

    Raises:
        Refused: An input is missing, of another shape, or not finite.
    """
    try:
        found = parse_json(body, "The body")
    except InputError as error:
        raise Refused(400, str(error)) from None
    given = found.get("inputs") if isinstance(found, dict) else None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise Refused(400, "The body must be an object with a list of inputs. Received: none.")
    wanted = shapes(served)
    names = [each.get("name") for each in given]
    if not all(isinstance(name, str) for name in names) or sorted(names) != sorted(wanted):
        raise Refused(400, f"inputs must be {', '.join(wanted)}. Received: {shown(names)}.")
    arrays = {each["name"]: _array(each, wanted[each["name"]], limits) for each in given}
    if len({len(array) for array in arrays.values()}) > 1:
        raise Refused(400, "All inputs must have as many windows. Received: several numbers.")
    number = found.get("id")
    return WindowBatch(arrays["past"], arrays.get("known"), arrays.get("static")), number if isinstance(
        number, str
    ) else None


def forecasts(served: Served, windows: WindowBatch) -> Forecast:
    """Those of `windows`, intervals as learned."""
    return served.model.forecaster.alone(windows, served.model.manifest.horizon)


def answer(served: Served, found: Forecast) -> dict[str, Any]:
    """Forecasts as the protocol has them."""
    outputs = [_tensor("forecast", found.point)]
    if found.quantiles is not None:
        outputs.append(_tensor("quantiles", found.quantiles))
    return {"model_name": served.name, "model_version": served.sha256, "outputs": outputs}


def _tensor(name: str, values: np.ndarray) -> dict[str, Any]:
    return {"name": name, "datatype": "FP64", "shape": list(values.shape), "data": values.ravel().tolist()}


def _array(given: dict[str, Any], shape: tuple[int, ...], limits: Limits) -> np.ndarray:
    name, sizes, data = given["name"], given.get("shape"), given.get("data")
    kind = _KINDS.get(given["datatype"]) if isinstance(given.get("datatype"), str) else None
    if kind is None:
        raise Refused(
            400, f"{name}: datatype must be one of {', '.join(_KINDS)}. Received: {shown(given.get('datatype'))}."
        )
    whole = isinstance(sizes, list) and all(type(size) is int for size in sizes)
    if not whole or tuple(sizes[1:]) != shape or not 1 <= sizes[0] <= limits.windows:  # type: ignore[index]
        raise Refused(
            400,
            f"{name}: shape must be [1 to {limits.windows:,}, {', '.join(map(str, shape))}]. Received: {shown(sizes)}.",
        )
    flat = _flat(data, math.prod(sizes) if isinstance(sizes, list) else 0)
    if flat is None:
        raise Refused(400, f"{name}: data must be {math.prod(sizes)} numbers. Received: others.")  # type: ignore[arg-type]
    values = np.array(flat, np.float64).astype(np.float32).reshape(sizes)
    if not np.isfinite(values).all():
        raise Refused(400, f"{name}: data must be finite numbers of float32. Received: one that is not.")
    return values


def _flat(data: object, count: int) -> list[float] | None:
    """`count` numbers, flat or nested as deep as tensors are; `None` where it is anything else."""
    for _ in range(3):
        if isinstance(data, list) and data and all(isinstance(each, list) for each in data):
            data = [cell for each in data for cell in each]
    if not isinstance(data, list) or len(data) != count:
        return None
    return data if all(type(cell) in (int, float) and abs(cell) < 1e300 for cell in data) else None
