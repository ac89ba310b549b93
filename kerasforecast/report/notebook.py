"""What a notebook shows of a model: its verdict, its scores beside the baselines', and what it is."""

from __future__ import annotations

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.models.member import describe
from kerasforecast.report.page import table, text
from kerasforecast.report.scores import score_cells, worth

_KEYS = ("rmse", "mae", "mase", "crps", "coverage")


def model_html(manifest: Manifest) -> str:
    """A few lines and a table, without style or script of their own: they take the notebook's colours."""
    what = f"{describe(manifest.members)}, window {manifest.window}, horizon {manifest.horizon}"
    lines = [f"<strong>{text(manifest.name)}: forecasts of {text(manifest.target)}</strong>", text(what)]
    scores = ""
    if manifest.metrics is not None:
        found = manifest.model_dump(mode="json", include={"metrics"})["metrics"]
        lines.insert(1, text(worth(found["verdict"], found["interval_verdict"])))
        named = {name: each for name, each in found["test"].items() if isinstance(each, dict) and "rmse" in each}
        header, cells = score_cells(list(named.values()), _KEYS)
        rows = [[name.replace("_", " "), *row] for name, row in zip(named, cells, strict=True)]
        scores = table([f"test, {found['test']['n']:,} forecasts", *header], rows)
    return f"<div><p>{'<br>'.join(lines)}</p>{scores}</div>"
