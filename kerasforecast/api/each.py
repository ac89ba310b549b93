"""One model of each series: what `kerasforecast.fit_each` does, and what it gives."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasforecast.api.asked import Request
from kerasforecast.api.naming import check_place, default_each_name
from kerasforecast.config import Config
from kerasforecast.errors import DataError, DivergedError, InputError, KerasForecastError, OptionError, shown
from kerasforecast.runtime.backend import load_quietly
from kerasforecast.runtime.determinism import activate_for_training
from kerasforecast.runtime.extras import require_ray
from kerasforecast.runtime.files import atomic_write
from kerasforecast.runtime.locks import locked
from kerasforecast.runtime.names import name_from
from kerasforecast.runtime.tasks import executor, in_order

if TYPE_CHECKING:
    import pandas as pd

    from kerasforecast.artifact.manifest import Manifest
    from kerasforecast.data.panel import Panel
    from kerasforecast.model import Model


@dataclass(frozen=True, eq=False)
class EachResult:
    """A model of each series.

    Attributes:
        table: A row for each series, in order: its `id`, the `file` of its model, the `status` and `verdict` of that on
            the test part, `mase` and `rmse` there, `epochs` and `seconds` of training, the hash of its `weights`, and
            where there is no model the `error` that says why.
        folder: Holds the files, and `each.csv`, the table.
    """

    table: pd.DataFrame
    folder: Path

    def __repr__(self) -> str:
        return f"<EachResult {self.folder.name}: {self.summary}>"

    def model(self, id: str) -> Model:
        """The model of one series, opened.

        Raises:
            OptionError: There is none of this id.
        """
        from kerasforecast.api.loading import load

        rows = self.table[(self.table["id"] == id) & self.table["file"].notna()]
        if rows.empty:
            raise OptionError(f"There is no model of this id. Received: {shown(id)}. See .table.")
        return load(self.folder / rows["file"].iloc[0])

    @property
    def summary(self) -> str:
        """How many there are, and what they are worth, in a line."""
        told = Counter(self.table["status"])
        median = self.table["mase"].median()
        parts = [f"{count:,} {status}" for status, count in told.most_common()]
        scored = f"; median MASE {median:.3f}" if median == median else ""
        return f"{len(self.table):,} series: {', '.join(parts)} (beside each one's best simple forecast){scored}"


@dataclass(frozen=True)
class _Task:
    """One series and what its model is to be."""

    place: int
    name: str
    config: Config


@dataclass(frozen=True)
class _Made:
    """What came of a task: a model's file and the facts of its row, or an error."""

    row: dict[str, Any]
    content: bytes | None = None


def carry_out_each(request: Request, output_dir: Path) -> EachResult:
    """Train a model of each series, those that are there already left as they are, and write them under `output_dir`.

    Raises:
        DataError: There is one series alone.
    """
    require_ray(request.ray)
    config = Config.from_options(**request.options)
    choice = activate_for_training(request.backend, request.threads, seed=config.training.seed)
    check_place(request.name, output_dir)

    from kerasforecast.api.runs import panel_of
    from kerasforecast.baselines.classical import require_extra

    panel = panel_of(config, request.frame)
    require_extra(config, panel)
    if len(panel) == 1:
        raise DataError(
            f"A model of each series needs several. Received: {panel.ids[0]} alone. Name the column of ids with --id."
        )
    name = request.name or default_each_name(panel, output_dir)
    load_quietly()

    from kerasforecast.api.progress import Progress

    progress = Progress(config, choice, request.progress)
    folder = output_dir / name
    tasks = [_Task(place, each, _alone(config, panel, place)) for place, each in enumerate(_names(panel))]
    with locked(folder), executor(request.ray, choice.name, request.threads) as workers:
        at_once = f", {workers.workers} at once" if workers.workers > 1 else ""
        progress.note(f"{panel.name}: a model of each of {len(panel):,} series{at_once}.")
        rows = _rows(folder, panel, tasks, workers, progress.note)
        table = _table(rows)
        atomic_write(folder / "each.csv", table.to_csv(index=False).encode())
    return EachResult(table, folder)


def _rows(folder: Path, panel: Panel, tasks: Sequence[_Task], workers: Any, note: Any) -> list[dict[str, Any]]:
    rows: dict[int, dict[str, Any]] = {}
    for task in tasks:
        if (kept := _kept(folder, panel, task)) is not None:
            rows[task.place] = kept
    if rows:
        note(f"{len(rows):,} of them are there already.")
    due = [task for task in tasks if task.place not in rows]
    for count, (task, made) in enumerate(zip(due, in_order(workers.map(fit_one, panel, due)), strict=True), 1):
        if made.content is not None:
            atomic_write(folder / f"{task.name}.keras", made.content)
        rows[task.place] = made.row
        said = made.row["error"] or f"{made.row['verdict']}  {made.row['seconds']:.1f} s"
        note(f"  {count:>5,}/{len(due):,}  {made.row['id']}  {said}")
    return [rows[place] for place in sorted(rows)]


def fit_one(panel: Panel, task: _Task) -> _Made:
    """The model of one series, wherever this runs; one that cannot be had is a row that says why."""
    from kerasforecast.data.cut import alone
    from kerasforecast.pipeline import fit

    started, series = time.perf_counter(), alone(panel, task.place)
    try:
        model = fit(task.config, series, name=task.name)
    except (InputError, DivergedError) as error:
        return _Made(_row(str(panel.ids[task.place]), error=error, seconds=time.perf_counter() - started))
    with tempfile.TemporaryDirectory() as folder:
        content = model.save(Path(folder) / f"{task.name}.keras").read_bytes()
    return _Made(_row(str(panel.ids[task.place]), model.manifest, task.name), content)


def _kept(folder: Path, panel: Panel, task: _Task) -> dict[str, Any] | None:
    """The row of a model that is there from before, of the same rows and options."""
    from kerasforecast.artifact.reader import read_manifest
    from kerasforecast.data.cut import alone

    path = folder / f"{task.name}.keras"
    if not path.exists():
        return None
    try:
        manifest = read_manifest(path)
    except InputError:
        return None
    series = alone(panel, task.place)
    same = manifest.data is not None and manifest.data.sha256 == series.sha256
    if not same or manifest.config.model_dump(exclude={"data"}) != _as_fitted(task.config, manifest):
        return None
    return _row(str(panel.ids[task.place]), manifest, task.name)


def _as_fitted(config: Config, manifest: Manifest) -> dict[str, Any]:
    """What a file would say of its options; a fit leaves out levels that validation cannot teach."""
    found = config.model_dump(exclude={"data"})
    found["evaluation"]["levels"] = manifest.config.evaluation.levels
    return found


def _alone(config: Config, panel: Panel, place: int) -> Config:
    """The options of one series' model: where its rows are to be found again, and no static columns."""
    data, which = config.data, str(panel.ids[place])
    if data.ticker is not None:
        changes: dict[str, Any] = {"ticker": which}
    elif data.targets:
        changes = {"targets": (), "target": which}
    else:
        changes = {"series": which}
    return config.model_copy(update={"data": data.model_copy(update=changes | {"static": ()})})


def _names(panel: Panel) -> list[str]:
    """A file's name for each series, of its id; numbered where two would be alike on some system."""
    names = [name_from(str(each)) for each in panel.ids]
    counted = Counter(name.casefold() for name in names)
    return [
        name if counted[name.casefold()] == 1 else f"{place + 1:06}-{name}"[:100] for place, name in enumerate(names)
    ]


def _row(
    id: str,
    manifest: Manifest | None = None,
    name: str | None = None,
    *,
    error: KerasForecastError | None = None,
    seconds: float = 0.0,
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("id", "file", "status", "verdict", "mase", "rmse", "epochs", "seconds"))
    row |= {"id": id, "status": "no model", "seconds": round(seconds, 3), "weights": None, "error": None}
    if manifest is None or manifest.metrics is None or manifest.training is None:
        return row | {"error": str(error) if error else None}
    from kerasforecast.evaluation.verdict import judged

    scores = manifest.metrics.test.model_dump()
    return row | {
        "file": f"{name}.keras",
        "status": judged(scores).status,
        "verdict": manifest.metrics.verdict,
        "mase": scores["model"].get("mase"),
        "rmse": scores["model"].get("rmse"),
        "epochs": manifest.training.epochs,
        "seconds": manifest.training.seconds,
        "weights": manifest.hashes.get("model.weights.h5"),
    }


def _table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=[*_row("")]).astype({"epochs": "Int64"})
