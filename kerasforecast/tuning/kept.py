"""A study as it lies on disk: its table of trials, its page and its record, and the page made again from the record."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from kerasforecast.errors import ArtifactError
from kerasforecast.runtime.files import atomic_write
from kerasforecast.sections.section import first_fault
from kerasforecast.tuning.page import study_page
from kerasforecast.tuning.record import StudyRecord
from kerasforecast.tuning.tables import trials_table

RECORD, TABLE, PAGE = "study.json", "trials.csv", "tune.html"


def write_study(folder: Path, record: StudyRecord) -> dict[str, Path]:
    """Write the files of a study, the record last, and return their paths by what they hold."""
    paths = {"trials": folder / TABLE, "tune": folder / PAGE, "study": folder / RECORD}
    atomic_write(paths["trials"], trials_table(record).to_csv(index=False).encode())
    atomic_write(paths["tune"], study_page(record).encode())
    atomic_write(paths["study"], record.model_dump_json(indent=1).encode())
    return paths


def is_study(path: Path) -> bool:
    """Whether a file that a user named is the record of a study: by its name, or by what it says that it is."""
    if path.name == RECORD:
        return True
    try:
        content = json.loads(path.read_bytes()) if path.suffix == ".json" else None
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("kind") in ("staged", "search")


def read_study(path: Path) -> StudyRecord:
    """The record at `path`.

    Raises:
        ArtifactError: It is absent or damaged.
    """
    try:
        record = StudyRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{path}: must be what `kerasforecast tune` wrote; {first_fault(error)} "
            "Run it again: trials that are kept are not made anew."
        ) from None
    except OSError as error:
        raise ArtifactError(
            f"{path}: must be the record of a study. Received: {error.strerror}. Check the path."
        ) from None
    _check(record, path)
    return record


def rewrite_study(path: Path) -> Path:
    """Write the page of a study again beside its record, and return the page's path.

    Raises:
        ArtifactError: As `read_study`.
    """
    target = path.parent / PAGE
    atomic_write(target, study_page(read_study(path)).encode())
    return target


def _check(record: StudyRecord, path: Path) -> None:
    """Refuse a record that does not hold what it names."""
    missing = {record.best, record.default, *(each for stage in record.stages for each in stage.trials)}
    missing -= {trial.number for trial in record.trials}
    if missing:
        raise ArtifactError(
            f"{path}: must hold the trials that it names. Received: none of number {min(missing)}. Run tune again."
        )
    if record.trial(record.best).error(record.measure) is None:
        raise ArtifactError(
            f"{path}: the winner must have an error. Received: none for trial {record.best}. Run tune again."
        )
