"""`kerasforecast tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    COMMON,
    SectionedCommand,
    backend_option,
    given,
    output_dir_option,
    output_options,
    ray_option,
    tune_options,
)

if TYPE_CHECKING:
    from kerasforecast.tuning.study import Study

_SHOWN = 10  # best trials of a search that are printed


@click.command(
    cls=SectionedCommand,
    common=(*COMMON, "stages", "tries", "search", "trials", "time", "seeds", "ray"),
    epilog="Example: kerasforecast tune prices.csv --stages learning_rate,units --try units=32,64",
    short_help="Choose options on validation: train, read the curves, adjust.",
)
@tune_options
@click.option(
    "--stages", metavar="A,B,...", help="Options to vary, in order. When not given: those of the family, in its order."
)
@click.option(
    "--try",
    "tries",
    multiple=True,
    metavar="OPTION=VALUES",
    help="Values of an option, e.g. units=32,64; with --search also dropout=0.0..0.5 and window=30|60|120.",
)
@click.option("--search", is_flag=True, help="Let Optuna choose all options at once; needs the extra `tune`.")
@click.option("--trials", type=click.IntRange(1), help="Trials of a search, beside the untuned one. [default: 30]")
@click.option("--time", metavar="TIME", help="After which no further trial begins, e.g. 90s, 10m, 2h.")
@click.option(
    "--objectives",
    type=click.Choice(["error", "error,seconds"]),
    default="error",
    show_default=True,
    help="What a search makes small.",
)
@click.option(
    "--measure",
    type=click.Choice(["rmsse", "mase"]),
    default="rmsse",
    show_default=True,
    help="The error on validation that decides.",
)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Seeds of each trial.")
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Pieces of the validation part, each judged by a network that learned from what lies before.",
)
@ray_option
@click.option("--name", help="Name of the model; replaces one of this name. The ticker's or file's when not given.")
@output_dir_option
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads to compute with; 1 makes runs bit-equal.")
@backend_option
@output_options
def tune(
    stages: str | None,
    tries: tuple[str, ...],
    search: bool,
    trials: int | None,
    time: str | None,
    objectives: Any,
    measure: Any,
    seeds: int,
    rounds: int,
    ray: str | None,
    name: str | None,
    output_dir: Path,
    threads: int | None,
    backend: str | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Choose options for FILE, a ticker or the embedded IBM prices on validation, and train the best.

    Stage by stage the values of one option are tried with the best of the others so far. The test part is scored once,
    at the end, for the winner and for the untuned default. The model goes to OUTPUT_DIR/NAME.keras, the study to
    OUTPUT_DIR/NAME/tune/; the same command goes on after an interruption.
    """
    import kerasforecast
    from kerasforecast.runtime.memory import one_arena
    from kerasforecast.tuning.space import parsed_tries

    one_arena()
    study = kerasforecast.tune(
        options.pop("file"),
        **given(options),
        stages=tuple(part.strip().replace("-", "_") for part in (stages or "").split(",") if part.strip()),
        tries=parsed_tries(tries),
        search=search,
        trials=trials,
        time=time,
        objectives=objectives,
        measure=measure,
        seeds=seeds,
        rounds=rounds,
        ray=ray,
        name=name,
        output_dir=output_dir,
        progress=not quiet,
        backend=backend,
        threads=threads,
    )

    from .output import print_json

    if as_json:
        print_json(study.record.model_dump(mode="json", exclude={"trials": {"__all__": {"attempts"}}}))
    else:
        _print(study, quiet=quiet)


def _print(study: Study, *, quiet: bool) -> None:
    from kerasforecast.tuning.tables import stage_rows, trial_cells

    from .output import print_wrapped

    record = study.record
    print_wrapped(record.sentence)
    if not quiet:
        for number, stage in enumerate(record.stages, 1):
            head, rows, kept = stage_rows(record, stage)
            print_wrapped(f"Stage {number}, {stage.option}: {stage.found}")
            rows[kept][0] += " *"
            _table(head, rows)
        if record.kind == "search":
            scored = [(error, t) for t in record.trials if (error := t.error(record.measure)) is not None]
            first = [t for _, t in sorted(scored, key=lambda each: (each[0], each[1].number))[:_SHOWN]]
            head = ["trial", record.measure.upper(), "of naive", "epochs", "seconds", "curves"]
            rows = [[f"{t.number} {t.told()}", *trial_cells(t, record)] for t in first]
            _table(head, rows)
    best = record.trial(record.best)
    flags = " ".join(f"--{option.replace('_', '-')} {value}" for option, value in best.options.items())
    print_wrapped(f"Winner: trial {best.number}, {flags or 'the options it began with'}.")
    print_wrapped(f"Verdict on the winner: {study.best.verdict}.")
    if record.untuned and best.options:
        print_wrapped(f"Verdict on the untuned default: {record.untuned.verdict}.")
    click.echo(f"{study.files['model']}; {study.files['study'].parent}/ (tune.html, study.json, trials.csv)")


def _table(head: list[str], rows: list[list[str]]) -> None:
    from .output import print_table

    first, *others = ([name, *(row[place] for row in rows)] for place, name in enumerate(head))
    print_table([first], others)
