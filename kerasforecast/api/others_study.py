"""A study that another process has ended: several work on one search, and one of them trains what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kerasforecast.errors import ArtifactError

if TYPE_CHECKING:
    from kerasforecast.tuning.record import StudyRecord, Trial
    from kerasforecast.tuning.study import Study

_KINDS = (".csv", ".html", ".json")  # of what a study and a fit write


def record_bytes(folder: Path) -> bytes | None:
    """The record of the study in `folder` as it lies there; `None` where there is none."""
    try:
        return (folder / "study.json").read_bytes()
    except OSError:
        return None


def written_meanwhile(
    folder: Path, name: str, before: bytes | None, trials: Sequence[Trial], best: Trial
) -> Study | None:
    """The study of these very trials that another process has written, and its model.

    Args:
        folder: Of the model file.
        name: Of the model.
        before: The record that lay there when this process began: one that is still there is no other process's.
        trials: All of this process's.
        best: The winner among them.

    Returns:
        `None` where nobody wrote one, it is of other trials, or its model cannot be opened.
    """
    from kerasforecast.api.loading import proven
    from kerasforecast.artifact.reader import read
    from kerasforecast.tuning.kept import RECORD, read_study
    from kerasforecast.tuning.study import Study

    place = folder / name / "tune"
    if record_bytes(place) in (None, before):
        return None
    try:
        record = read_study(place / RECORD)
        if record.best != best.number or _told(record.trials) != _told(trials):
            return None
        file = folder / f"{name}.keras"
        manifest, weights = read(file)
        model = proven(file, manifest, weights)
    except ArtifactError:
        return None
    if manifest.study is None or not _same_study(record, manifest.study.trials, manifest.study.error):
        return None
    found = [path for part in (place, folder / name) for path in part.iterdir() if path.suffix in _KINDS]
    model.files = {path.stem: path for path in found} | {"model": file}
    return Study(model, record, model.files)


def _same_study(record: StudyRecord, trials: int, error: float) -> bool:
    """Whether a model whose file says so came of this study: a fit of the same name may have replaced it."""
    return trials == len(record.trials) and error == record.trial(record.best).error(record.measure)


def _told(trials: Sequence[Trial]) -> list[tuple[int, list[tuple[str, str]]]]:
    """What makes trials the same: their numbers, what they were made of and how they ended; seconds do not."""
    return [(trial.number, [(each.key, each.status) for each in trial.attempts]) for trial in trials]
