"""Stage after stage: each tries the values of one option with the best of the others so far, and keeps its winner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kerasforecast.tuning.bench import Bench
from kerasforecast.tuning.readings import Suggestion, agreement, suggested
from kerasforecast.tuning.record import Measure, Stage, Trial, best_of, shown_value
from kerasforecast.tuning.space import Value

OnStage = Callable[[int, int, str, Sequence[Value], str], None]


def run_stages(
    bench: Bench,
    stages: Mapping[str, Sequence[Value]],
    measure: Measure,
    on_stage: OnStage | None = None,
    on_end: Callable[[Stage], None] | None = None,
) -> tuple[Trial, Trial, list[Stage]]:
    """Try each option in its turn, until time is over.

    Args:
        bench: Makes the trials.
        stages: Values of each option.
        measure: The error on validation that decides.
        on_stage: Called before a stage with its number, how many there are, its option, its values, and what the curves
            of the best so far suggest.
        on_end: Called with each stage that is over.

    Returns:
        The winner, the trial of the untuned options, and the stages that were begun.

    Raises:
        OptionError: No trial came to an error.
    """
    untuned = bench.config.flat()
    options: dict[str, Value] = {}
    done: list[Stage] = []
    default = best = None
    for number, (option, given) in enumerate(stages.items(), 1):
        if done and bench.over():
            break
        before = options.get(option, untuned[option])
        values = list(dict.fromkeys([*given, before]))
        hint = _hint(best, option, before, bench)
        if on_stage:
            on_stage(number, len(stages), option, values, hint.text if hint else "")
        asked = [options | {option: value} for value in values]
        trials = bench.try_all(option, asked, least=values.index(before) + 1)
        begun = trials[values.index(before)]
        default = default or begun
        best = best_of([begun, *trials], measure)
        kept = values[trials.index(best)]
        found = agreement(hint or Suggestion(None, ""), (before, begun), (kept, best), trials, measure)
        found += _left_out(values[len(trials) :], list(stages)[number:] if bench.over() else [])
        stage = Stage(
            option=option,
            trials=tuple(trial.number for trial in trials),
            before=before,
            kept=kept,
            suggested=hint.text if hint else None,
            found=found,
        )
        done.append(stage)
        if on_end:
            on_end(stage)
        options |= {option: kept}
    if best is None or default is None:
        raise ValueError("There is no stage.")
    return best, default, done


def _left_out(values: Sequence[Value], stages: Sequence[str]) -> str:
    """What time did not suffice for: values of a stage, and the stages after it."""
    left = [*map(shown_value, values), *stages]
    return f" Time was over: {', '.join(left)} not tried." if left else ""


def _hint(best: Trial | None, option: str, value: Value, bench: Bench) -> Suggestion | None:
    if best is None or best.curve is None:
        return None
    return suggested(best.curve.reading, option, value, bench.config.network.family)
