"""`kerasforecast.export`."""

from __future__ import annotations

import shutil
import tempfile
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from kerasforecast.artifact.format.archive import WEIGHTS
from kerasforecast.errors import ArtifactError, OptionError, callers_words, shown

if TYPE_CHECKING:
    from kerasforecast.artifact.exchange.formats import Format


@callers_words()
def export(
    model: str | PathLike,
    to: str = "onnx",
    out: str | PathLike | None = None,
    *,
    linear_name: str = "linear",
    backend: str | None = None,
) -> Path:
    """Write a model file in another format, and prove that it forecasts the same there.

    The other format's own runtime and Keras forecast the same windows: golden, flat, a thousand times as high and as
    low, and random ones, in batches of one and three. Where they differ by more than 1e-5 scaled units nothing is
    written; of 8 bits by more than 0.1. What was found stands beside the file, in `<file>.parity.json`.

    Args:
        model: Path of a `.keras` file.
        to: `"onnx"`, `"litert"`, `"litert-int8"`, `"openvino"`, `"saved-model"`, `"stablehlo"` or `"torch"`.
        out: Path of what is written; beside the model, by its name, where not given.
        linear_name: What the linear layer of a PyTorch network is called.
        backend: What Keras computes with, as in `load`.

    Returns:
        The path of what was written.

    Raises:
        kerasforecast.OptionError: The format is unknown, what it needs is not installed, or it has no place for what
            the model is.
        kerasforecast.ArtifactError: The model file is not sound, or the other format computes something else.

    Example:
        >>> import kerasforecast as kf
        >>> path = kf.fit(end="2002-01-01", window=8, units=4, layers=1, epochs=1).save("ibm.keras")
        >>> exported = kf.export(path, "onnx")
        >>> exported.name, kf.load(exported)
        ('ibm.onnx', <Model ibm: 1 x lstm of 4 units, window 8, horizon 1, forecasts Close>)
    """
    from kerasforecast.artifact.exchange.formats import FORMATS
    from kerasforecast.runtime.files import user_path

    if to not in FORMATS:
        raise OptionError(f"--to must be one of {', '.join(FORMATS)}. Received: {shown(to)}.")
    chosen, file = FORMATS[to], user_path(model)
    target = file.with_suffix(chosen.suffix or f".{to}") if out is None else user_path(out)
    _check_target(target, file, chosen.suffix, to)
    if chosen.backend and backend not in (None, chosen.backend):
        raise OptionError(f"--to {to} needs --backend {chosen.backend}. Received: {shown(backend)}.")
    _write(chosen, file, target, linear_name, chosen.backend or backend)
    return target


def _write(chosen: Format, file: Path, target: Path, linear_name: str, backend: str | None) -> None:
    """Write `target`, and the record of the proof beside it, where the format passes it."""
    from kerasforecast.api.loading import proven
    from kerasforecast.artifact.exchange.formats import Source
    from kerasforecast.artifact.parity import parity, require_parity
    from kerasforecast.artifact.reader import read_network
    from kerasforecast.models.member import array_shapes
    from kerasforecast.runtime.backend import activate, load_quietly
    from kerasforecast.runtime.files import atomic_write, json_text

    manifest, graph, arrays = read_network(file)
    if manifest.config.evaluation.mc_dropout and chosen.name == "onnx":
        raise OptionError(
            f"{file}: its intervals come from dropout (--mc-dropout), which an ONNX file does not have. "
            "Received: --to onnx. Train without it, or keep the .keras file."
        )
    activate(backend)
    load_quietly()
    weights = [arrays[path] for path in array_shapes(manifest.members)]
    ours = proven(file, manifest, weights).predictor
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".kerasforecast.", dir=target.parent) as folder:
        place = Path(folder) / target.name
        theirs = chosen.write(Source(manifest, graph, arrays, weights, linear_name), place)
        checks = parity(manifest, ours, theirs, chosen.batches)
        record = require_parity(checks, f"{target}: the model as {chosen.name}", chosen.tolerance)
        for part in sorted(Path(folder).iterdir()):
            _put(part, target.parent / part.name)
    facts = {"model": manifest.name, "format": chosen.name, "sha256 of the weights": manifest.hashes[WEIGHTS]}
    atomic_write(target.with_name(f"{target.name}.parity.json"), json_text(facts | record).encode())


def _check_target(target: Path, file: Path, suffix: str, to: str) -> None:
    """Refuse a path that says another format, or where something stands that is no earlier export."""
    if suffix and target.suffix != suffix:
        raise OptionError(f"--out must end in {suffix} for --to {to}. Received: {target}.")
    if not suffix and target.suffix in (".keras", ".onnx", ".xml", ".pt"):
        raise OptionError(f"--out must be a folder for --to {to}. Received: {target}.")
    if target.is_dir() and (suffix or not (target / "saved_model.pb").is_file()) and any(target.iterdir()):
        raise OptionError(f"--out must be free, or an earlier export. Received: {target}, a folder with other things.")
    if target.exists() and file.exists() and target.samefile(file):
        raise ArtifactError(f"--out must be another file than the model. Received: {target}.")


def _put(part: Path, target: Path) -> None:
    """Move what was written to where it belongs, in the place of an earlier export."""
    if part.is_dir() and target.is_dir():
        shutil.rmtree(target)
    part.replace(target)
