"""Writing the `.keras` file that `kerasforecast.artifact.reader` describes and reads: whole, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from kerasforecast.artifact.format.archive import GRAPH, KERAS_MEMBERS, MANIFEST, WEIGHTS, pack
from kerasforecast.artifact.format.hdf5 import read_arrays
from kerasforecast.artifact.golden import GoldenBatch
from kerasforecast.artifact.manifest import Manifest
from kerasforecast.errors import ArtifactError, KerasForecastError, shown
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import Member, array_shapes
from kerasforecast.models.network import build_model, set_weights
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.runtime.files import atomic_write, json_text


class Exporter:
    """Writes model files of one architecture; the plain Keras network is built once and reused for every file.

    Args:
        members: The networks it is made of, with their scaling.

    Raises:
        InputError: It is larger than what a file is opened for.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        check_size(members)
        self._network = build_model(members, "export")
        _name_anew(self._network)
        self._paths = list(array_shapes(members))

    def golden(self, windows: WindowBatch, weights: Sequence[np.ndarray]) -> GoldenBatch:
        """Have plain Keras' layers forecast raw windows, by which a loaded model is proved right."""
        set_weights(self._network, weights)
        batch = windows.float32()
        forecast = np.asarray(self._network.predict_on_batch(batch.fed())).reshape(len(batch), -1)
        lists = {name: array.tolist() for name, array in batch.arrays.items()}
        return GoldenBatch(**lists, forecast=forecast.tolist())

    def write(
        self, path: Path, manifest: Manifest, weights: Sequence[np.ndarray], *, deflated: bool = False
    ) -> Manifest:
        """Write a model file atomically and return the manifest as it stands in the file.

        Args:
            path: Ends in `.keras`; replaced only when the new file is complete.
            manifest: Its `hashes` are filled in here.
            weights: In the order of `kerasforecast.models.network.merged_weights`, members in turn.
            deflated: Whether the file is packed.
        """
        set_weights(self._network, weights)
        members = _keras_members(self._network)
        self._check_layout(members[WEIGHTS], weights)
        manifest = manifest.updated(hashes={name: hashlib.sha256(data).hexdigest() for name, data in members.items()})
        members[MANIFEST] = json_text(manifest.model_dump(mode="json")).encode()
        atomic_write(path, pack(members, deflated=deflated))
        return manifest

    def _check_layout(self, weights_file: bytes, weights: Sequence[np.ndarray]) -> None:
        """Prove that each weight stands where it is looked for, since the layout is Keras' own affair."""
        try:
            found = read_arrays(weights_file, WEIGHTS)
        except ArtifactError:
            found = {}
        for path, array in zip(self._paths, weights, strict=True):
            if path not in found or not np.array_equal(found[path], array):
                raise KerasForecastError(
                    f"Keras {keras.__version__} lays out weights in another way than this release of kerasforecast "
                    f"expects ({path}). Update kerasforecast, or install keras 3.15.1."
                )


def _keras_members(network: keras.Model) -> dict[str, bytes]:
    try:
        with _scratch() as folder:
            path = folder / "model.keras"
            network.save(path)
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
                members = {name: archive.read(name) for name in KERAS_MEMBERS}
            return members | {GRAPH: _counted(members[GRAPH])}
    except (OSError, RuntimeError, zipfile.BadZipFile) as error:  # h5py raises RuntimeError when the disk is full
        raise KerasForecastError(
            f"{tempfile.gettempdir()}: Keras' own file could not be written there. Received: {shown(str(error), 200)}. "
            "Make room, or set TMPDIR to another folder."
        ) from None


def _name_anew(network: keras.Model) -> None:
    """Count the names that Keras makes up within this network: it counts them in a process, so that the same network
    made second there would be other bytes in a file."""
    made_up = {each: snake for each in network.operations if (snake := _made_up(each))}
    taken = {each.name for each in network.operations if each not in made_up}
    counted: Counter[str] = Counter()
    for each in network.operations:
        if isinstance(each, keras.Model):
            _name_anew(each)
        while each in made_up:
            kind = made_up[each]
            name = f"{kind}_{counted[kind]}" if counted[kind] else kind
            counted[kind] += 1
            if name not in taken:
                each.name = name
                break


def _made_up(operation: keras.Operation) -> str | None:
    """What Keras calls operations of this class, where this one bears such a name."""
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(operation).__name__).lower()
    return kind if re.fullmatch(rf"{kind}(_\d+)?", operation.name) else None


def _counted(graph: bytes) -> bytes:
    """`config.json` with the places in memory that Keras writes of shared parts, counted."""
    places: dict[bytes, bytes] = {}

    def number(found: re.Match[bytes]) -> bytes:
        return found[1] + places.setdefault(found[2], b"%d" % (len(places) + 1))

    return re.sub(rb'("shared_object_id": )(\d+)', number, graph)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that takes with it the temporary ones that Keras leaves behind when a disk is full."""
    with tempfile.TemporaryDirectory() as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before
