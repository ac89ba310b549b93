"""Epoch time against units, window, batch and rows: ours on every backend beside the plain PyTorch loop.

    python benchmarks/scaling.py [--rounds 3] [--axis batch] [--python jax=/path/to/python ...] [--out results/scaling]

From the reference work (1,440 windows of 60, batch 32, 50 units) one size at a time is changed. Where an epoch would
take long only its first steps are run, and the rest taken to cost the same. Contestants run in turn; medians. Written:
a picture `OUT.svg`, a table `OUT.md`, and every time, `OUT.json`, whose other rows stay where one axis alone is run.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from contest import Contestant, interpreters, parser, serve
from trainers import LOOP, Work, trainer

REFERENCE = Work()
AXES = {
    "units": (32, 64, 128, 256, 512),
    "length": (30, 60, 120, 240, 480),
    "batch": (32, 128, 512, 1024),
    "windows": (1_500, 15_000, 150_000, 1_000_000),
}
TITLES = {"units": "units", "length": "window", "batch": "batch", "windows": "windows"}
BUDGET = 2e11  # floating-point operations of one measurement: a few seconds


def point(axis: str, size: int) -> Work:
    """The reference work with `size` along `axis`, and as many steps of its epoch as the budget allows.

    In whole batches, two at least: of what is left over ours make a full batch, and the loop a short one.
    """
    work = replace(REFERENCE, **{axis: size})
    work = replace(work, windows=max(2, -(-work.windows // work.batch)) * work.batch)
    per_row = 2 * 4 * (work.units * (1 + work.units) + work.units * 2 * work.units) * 3  # both layers, backward twice
    affordable = int(BUDGET / (per_row * work.length * work.batch))
    return replace(work, steps=max(2, min(work.all_steps, affordable)))


class Sweep:
    """A contestant's answers: the trainer of a point is made when it is first asked for, and only the last is kept."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.work: Work | None = None

    def __call__(self, question: dict[str, Any]) -> float:
        """Seconds of an epoch over `epoch` windows of the work asked for."""
        windows = question.pop("epoch")
        work = Work(**question)
        if work != self.work:
            self.work, self.epoch = work, trainer(self.name, work)
            self.epoch()  # compiles
        return self.epoch()[0] * windows / (work.steps * work.batch)


def race(pythons: dict[str, str], rounds: int, axes: list[str]) -> list[dict[str, Any]]:
    """A row per point of `axes`: axis, size, steps run, and the seconds of an epoch of every contestant."""
    entries = dict.fromkeys(LOOP, (pythons["torch"], "torch"))
    entries |= {f"ours on {backend}": (python, backend) for backend, python in pythons.items()}
    contestants = {name: Contestant(__file__, name, *entry) for name, entry in entries.items()}
    rows = []
    for axis in axes:
        for size in AXES[axis]:
            windows = size if axis == "windows" else REFERENCE.windows
            question = asdict(point(axis, size)) | {"epoch": windows}
            times: dict[str, list[float]] = {name: [] for name in contestants}
            for _ in range(rounds):
                for name, contestant in contestants.items():
                    times[name].append(contestant.ask(question))
            rows.append({"axis": axis, "size": size, "steps": question["steps"], "seconds": times})
            medians = {name: round(statistics.median(values), 3) for name, values in times.items()}
            print(axis, size, medians, flush=True)
    for contestant in contestants.values():
        contestant.close()
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: seconds an epoch, and how much faster ours are than the better of the loop's two thread counts."""
    names = [name for name in rows[0]["seconds"] if name not in LOOP]
    lines = [f"| | PyTorch loop, s | {' | '.join(f'{name}, s' for name in names)} |", "|---|---|" + "---|" * len(names)]
    for row in rows:
        seconds = _medians(row)
        cells = [f"{seconds[name]:.2f} ({seconds['loop'] / seconds[name]:.2f} x)" for name in names]
        lines.append(f"| {TITLES[row['axis']]} {row['size']:,} | {seconds['loop']:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """One panel per axis, both scales logarithmic."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(AXES), figsize=(15, 4), layout="constrained")
    for panel, (axis, sizes) in zip(panels, AXES.items(), strict=True):
        points = [_medians(row) for row in rows if row["axis"] == axis]
        for name in points[0]:
            label = "PyTorch loop, best of 1 and 2 threads" if name == "loop" else name
            style = {"color": "black", "linestyle": "--"} if name == "loop" else {}
            panel.loglog(sizes, [seconds[name] for seconds in points], marker="o", label=label, **style)
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30)
        panel.minorticks_off()
        panel.set_xlabel(TITLES[axis])
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("seconds an epoch")
    panels[0].legend(fontsize=8)
    figure.savefig(path)


def _medians(row: dict[str, Any]) -> dict[str, float]:
    """Median seconds of every contestant, the loop's better thread count as "loop"."""
    medians = {name: statistics.median(values) for name, values in row["seconds"].items()}
    return {"loop": min(medians.pop(name) for name in LOOP), **medians}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--axis", choices=AXES, help="run this one alone")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "scaling")
    options.set_defaults(rounds=3)
    arguments = options.parse_args()
    if arguments.serve:
        serve(Sweep(arguments.serve))
        return
    kept = arguments.out.with_suffix(".json")
    axes = [arguments.axis] if arguments.axis else list(AXES)
    old = [row for row in json.loads(kept.read_text()) if row["axis"] not in axes] if arguments.axis else []
    rows = old + race(interpreters(arguments.python), arguments.rounds, axes)
    rows.sort(key=lambda row: list(AXES).index(row["axis"]))
    kept.write_text(json.dumps(rows, indent=1) + "\n")
    arguments.out.with_suffix(".md").write_text(table(rows))
    draw(rows, arguments.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
