"""The models that a server has at hand, each exchanged for a newer file without a request noticing."""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from kerasforecast.errors import ArtifactError, BackendError, InputError, OptionError, shown
from kerasforecast.runtime.files import user_path
from kerasforecast.serving.plain import PlainTables

if TYPE_CHECKING:
    from kerasforecast.model import Model

LOG = logging.getLogger("kerasforecast.serving")
_NAME = re.compile(r"[\w][\w.-]{0,99}")
_KINDS = (".onnx", ".keras")  # of two files of one name the first is served


@dataclass(frozen=True, eq=False)
class Served:
    """A model as it is served: a request keeps the one it began with.

    Attributes:
        name: In addresses; the file's, without its end.
        model: Opened and proved.
        sha256: Of the file.
        runtime: `onnx`, `keras`, or `statsforecast` of what is no network.
        file: Where it lies, which no answer tells.
        stamp: Of the file as it was read: time of change, size, number.
        busy: Held while Keras computes, which answers one at a time.
    """

    name: str
    model: Model
    sha256: str
    runtime: str
    file: Path
    stamp: tuple[int, ...]
    busy: Lock

    @cached_property
    def plain(self) -> PlainTables:
        """Reads tables that leave nothing to guess."""
        return PlainTables(self.model.manifest)


class Shelf:
    """Models by name, from files and folders.

    Args:
        places: Model files, and folders of such.

    Raises:
        OptionError: A place is neither, two files have one name, or there is no model.
        ArtifactError: A file that was named is not sound.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = [user_path(place) for place in places]
        self.served: dict[str, Served] = {}
        self.faults: dict[str, str] = {}
        self.swaps = self.refusals = 0
        self._seen: dict[str, tuple[int, ...]] = {}
        for name, file in self._files(strict=True).items():
            self._take(name, file, named=file in self._places)
        if not self.served:
            raise OptionError(f"MODEL must name a model that can be served. Received: {self._none()}.")

    def refresh(self) -> None:
        """Look at the files again: new ones are checked and then served, a bad one is refused and the old one stays."""
        files = self._files(strict=False)
        for name, file in files.items():
            self._take(name, file, named=False)
        folders = {place for place in self._places if place.is_dir()}
        for name in self.served.keys() - files.keys():
            if folders and not any(place.stem == name for place in self._places if place not in folders):
                self.served = {key: each for key, each in self.served.items() if key != name}
                self._seen.pop(name, None)
                LOG.info("%s is gone, and no longer served.", name)

    def _take(self, name: str, file: Path, *, named: bool) -> None:
        try:
            stamp = _stamp(file)
            if self._seen.get(name) == stamp:
                return
            self._seen[name] = stamp
            found = _opened(name, file, stamp)
        except (InputError, OSError) as error:
            if named:
                raise
            text = _without_paths(str(error), file) if isinstance(error, InputError) else "the file cannot be read"
            self.faults = {**self.faults, name: text}
            self.refusals += 1
            kept = ", and the one before it is served on" if name in self.served else ""
            LOG.warning("%s was refused%s: %s", name, kept, text)
            return
        again = name in self.served
        self.faults = {key: text for key, text in self.faults.items() if key != name}
        self.served = {**self.served, name: found}  # whole, so that a reader has either the old or the new
        self.swaps += again
        LOG.info("%s%s: %s, by %s.", name, " was exchanged" if again else "", found.sha256[:12], found.runtime)

    def _files(self, *, strict: bool) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for place in self._places:
            if place.is_dir():
                inside = sorted(each for each in place.iterdir() if each.suffix in _KINDS and each.is_file())
                for file in sorted(inside, key=lambda each: _KINDS.index(each.suffix)):
                    if _NAME.fullmatch(file.stem):
                        found.setdefault(file.stem, file)
            elif strict and (place.suffix not in _KINDS or not place.is_file()):
                raise OptionError(f"MODEL must be a .keras or .onnx file, or a folder of them. Received: {place}.")
            elif strict and (place.stem in found or not _NAME.fullmatch(place.stem)):
                raise OptionError(
                    f"Models are served by the names of their files, each once, of letters, digits, - and _. "
                    f"Received: {shown(place.stem)}. Rename the file."
                )
            else:
                found[place.stem] = place
        return found

    def _none(self) -> str:
        if self.faults:
            name, text = next(iter(self.faults.items()))
            return f"{name}, {text.rstrip('.')}"
        return "no .keras or .onnx file"


def _opened(name: str, file: Path, stamp: tuple[int, ...]) -> Served:
    """The model, opened by the strict loader: by ONNX Runtime where an export of it passes its proof, else by Keras."""
    from kerasforecast.api.exporting import export
    from kerasforecast.api.loading import load
    from kerasforecast.baselines.served import HistoryPredictor

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    runtime = "onnx"
    if file.suffix == ".onnx":
        model = load(file)
    else:
        try:
            with tempfile.TemporaryDirectory(prefix="kerasforecast-") as folder:
                model = load(export(file, "onnx", Path(folder) / f"{file.stem}.onnx"))
        except (OptionError, ArtifactError) as error:
            if isinstance(error, BackendError):
                raise
            model, runtime = load(file), "keras"
            if isinstance(model.predictor, HistoryPredictor):  # there is no network that could have been exported
                model.predictor.require_installed()
                runtime = "statsforecast"
            else:
                LOG.info("%s is computed by Keras: %s", name, _without_paths(str(error), file))
    if _stamp(file) != stamp:
        raise ArtifactError(f"{file}: the file changed while it was read. It is read again when it is whole.")
    return Served(name, model, digest, runtime, file, stamp, Lock())


def _stamp(file: Path) -> tuple[int, ...]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _without_paths(text: str, file: Path) -> str:
    """`text` without where things lie on this machine."""
    return re.sub(r"(?:[A-Za-z]:)?[\\/][^\s:,'\"]*[\\/]", "", text.replace(str(file), file.name))
