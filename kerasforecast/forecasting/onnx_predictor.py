"""Forecasts from an ONNX file, computed by ONNX Runtime: neither Keras nor a backend is loaded, or needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from kerasforecast.errors import ArtifactError, OptionError, shown
from kerasforecast.forecasting.given import Given
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.runtime.extras import not_installed


class OnnxPredictor(Predictor):
    """A `Predictor` whose network is an ONNX file; several threads may ask it at once.

    Args:
        members: The networks it is made of.
        content: Of the file, which `kerasforecast.artifact.onnx.reader.read_onnx` has checked.
        where: The file's path, for messages.
        threads: That compute one answer: more help large batches of large networks only.

    Raises:
        OptionError: The extra is not installed.
        ArtifactError: ONNX Runtime does not take the file.
    """

    def __init__(self, members: Sequence[Member], content: bytes, where: str, threads: int = 1) -> None:
        super().__init__(members, ())
        self._content, self._where, self._threads = content, where, threads
        self._session = _session(content, where, threads)

    def __getstate__(self) -> dict[str, Any]:
        own = {"_content": self._content, "_where": self._where, "_threads": self._threads}
        return super().__getstate__() | own

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._session = _session(self._content, self._where, self._threads)

    @cached_property
    def _answer(self) -> Callable[[Any], np.ndarray]:
        def answer(fed: Any) -> np.ndarray:
            found: np.ndarray = self._session.run(None, fed if isinstance(fed, dict) else {"past": fed})[0]
            return found

        return answer

    def _answered(self, answer: Callable[[Any], np.ndarray], batch: WindowBatch) -> np.ndarray:
        """Of so many as there are: nothing is compiled for a size."""
        return np.asarray(answer(batch.fed()))

    @property
    def network(self) -> NoReturn:  # type: ignore[override]
        """There is none of Keras.

        Raises:
            OptionError: Always.
        """
        self._refuse()

    def sample_once(self, windows: Given, seed: Sequence[int], number: int) -> NoReturn:
        """See `network`."""
        self._refuse()

    def states(self, windows: Given) -> NoReturn:
        """See `network`."""
        self._refuse()

    def parts(self, windows: Given) -> NoReturn:
        """See `network`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise OptionError(f"That needs the network as Keras has it. Received: {self._where}. Use its .keras file.")


def onnxruntime_package() -> ModuleType:
    """The package `onnxruntime`.

    Raises:
        OptionError: It is not installed.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise not_installed("An ONNX file is run by ONNX Runtime", "onnx") from None
    return onnxruntime


_LOADING = threading.Lock()


def _session(content: bytes, where: str, threads: int) -> Any:
    runtime = onnxruntime_package()
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # a fault is raised, and said once
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        with _LOADING:
            return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of classes of its own, which it does not name
        raise ArtifactError(f"{where}: ONNX Runtime must take it. Received: {shown(str(error), 200)}.") from None
