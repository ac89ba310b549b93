"""One training epoch of the reference model, every contestant in a process of its own, all in every round.

    python benchmarks/epoch.py [--rounds 7] [--json results.json] [--python jax=/path/to/python ...] [--cell gru]

Work: 1,440 windows of 60, batch 32, Adam, MSE, dropout on. Contestants: the specification's plain PyTorch loop (its
best of one and two threads), plain `keras.layers.LSTM` and ours, or with `--layers` our layers in Keras' `fit` and in
`fast_fit`, on every backend whose Python is named (all of them run by this interpreter unless `--python` says
otherwise). PyTorch has no peephole or coupled-gate cell, Keras none but its loop over any cell. Printed: median
seconds, spread, and speed relative to the PyTorch loop, above 1 where faster: by the clock, and by processor time,
which other programs disturb less.
"""

from __future__ import annotations

import json
import math
import random
import statistics
from functools import cache
from typing import Any

from contest import Contestant, interpreters, paired, parser, serve
from trainers import CELLS, LOOP, LOOP_CELLS, Work, trainer

Results = dict[str, dict[str, Any]]


def race(pythons: dict[str, str], rounds: int, only: str, cell: str, layers: bool = False) -> Results:
    """Let all contestants whose name holds `only` run an epoch in each of `rounds`, in a new order; the loop always."""
    loops = LOOP if cell in LOOP_CELLS and "torch" in pythons else ()
    entries = dict.fromkeys(loops, (pythons.get("torch"), "torch"))
    for backend, python in pythons.items():
        names = [f"{kind} on {backend}" for kind in (("layers", "fast_fit") if layers else ("keras", "ours"))]
        entries |= {name: (python, backend) for name in names if only in name}
    contestants = {name: Contestant(__file__, name, *entry) for name, entry in entries.items()}
    results: Results = {}
    for name, contestant in contestants.items():  # one after the other: the first epoch compiles, alone on the machine
        results[name] = {"first": contestant.ask(cell), "epochs": []}
        contestant.ask(cell)
    order, draw = list(contestants.items()), random.Random(0)
    for _ in range(rounds):
        draw.shuffle(order)  # nobody always follows the one that leaves the processor hot
        for name, contestant in order:
            results[name]["epochs"].append(contestant.ask(cell))
    for contestant in contestants.values():
        contestant.close()
    return results


def report(results: Results) -> None:
    """A line per contestant: median, spread, first epoch, speed relative to the PyTorch loop's better thread count."""
    wall = {name: [epoch[0] for epoch in result["epochs"]] for name, result in results.items()}
    processor = {name: statistics.median(epoch[1] for epoch in result["epochs"]) for name, result in results.items()}
    print(
        f"{'contestant':<26}{'median s':>10}{'min':>8}{'max':>8}{'first':>8}{'speed':>8}{'processor s':>13}{'speed':>8}"
    )
    loop = [name for name in LOOP if name in results]
    for name, seconds in wall.items():
        # Paired: every round's own ratio, so that a drift of the machine meets both.
        speed = min((paired(wall[other], seconds) for other in loop), default=math.nan)
        by_processor = min((processor[other] for other in loop), default=math.nan) / processor[name]
        row = f"{statistics.median(seconds):>10.3f}{min(seconds):>8.3f}{max(seconds):>8.3f}"
        row += f"{results[name]['first'][0]:>8.2f}{speed:>8.2f}{processor[name]:>13.3f}{by_processor:>8.2f}"
        print(f"{name:<26}{row}")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", default="", help="run only contestants whose name holds this")
    options.add_argument("--cell", choices=CELLS, default="lstm")
    options.add_argument("--layers", action="store_true", help="race our layers in Keras' `fit` and in `fast_fit`")
    arguments = options.parse_args()
    if arguments.serve:
        prepared = cache(lambda cell: trainer(arguments.serve, Work(cell=cell)))
        serve(lambda cell: prepared(cell)())
        return
    results = race(interpreters(arguments.python), arguments.rounds, arguments.only, arguments.cell, arguments.layers)
    report(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
