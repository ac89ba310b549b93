"""What may be tried, what curves suggest, and what a study prints and draws: all that needs no network."""

import json
import re

import pytest

from kerasforecast.config import Config
from kerasforecast.errors import OptionError, flags_wanted
from kerasforecast.models.families import registry
from kerasforecast.runtime.tasks import Serial, in_order
from kerasforecast.tuning.page import study_page
from kerasforecast.tuning.readings import Suggestion, agreement, suggested
from kerasforecast.tuning.record import Attempt, Curve, Finished, Stage, StudyRecord, Trial, best_of, key_of
from kerasforecast.tuning.space import Choice, Range, parsed_tries, space_of, stages_of
from kerasforecast.tuning.tables import importance_of, stage_rows, trials_table

LSTM = registry.family("lstm")


def trial(number, options, *errors, stage="units", reading="good", seconds=1.0):
    curve = Curve(
        loss=(3.0, 2.0, 1.5, 1.2), val_loss=(3.2, 2.5, 2.0, 1.9), best_epoch=4, naive=2.0, reading=reading, text="t",
        advice="a",
    )  # fmt: skip
    attempts = [
        Attempt(
            key=f"{number}-{seed}", seed=seed, status="done" if error else "diverged", curves=(curve,), seconds=seconds,
            scores={"rmsse": error, "mase": error} if error else {}, naive={"rmsse": 1.0, "mase": 1.0} if error else {},
            error=None if error else "<b>it diverged</b>",
        )
        for seed, error in enumerate(errors)
    ]  # fmt: skip
    return Trial(number=number, stage=stage, options=options, attempts=attempts)


def study(*trials, best=2, **facts):
    stage = Stage(option="units", trials=tuple(each.number for each in trials), before=50, kept=32, found="found.")
    done = Finished(rmse=1.0, mase=0.5, verdict="no better than naive (DM p = 0.3)")
    text = "no better than the untuned default (DM p = 0.4)"
    known = {
        "kind": "staged", "name": "acme<script>", "target": "Close", "measure": "rmsse", "seeds": 1, "rounds": 1,
        "tried": {"units": "32, 50"}, "stages": (stage,), "trials": trials, "best": best, "default": 1,
        "config": Config(), "tuned": done, "untuned": done, "test": text, "sentence": "Tuning did not help: so.",
        "data": "sample", "created": "now", "backend": "jax", "device": "cpu", "versions": {"keras": "3"},
    }  # fmt: skip
    return StudyRecord(**known | facts)


def test_the_stages_of_recurrent_networks_are_the_specification_s():
    assert stages_of(Config()) == {
        "learning_rate": (0.01, 0.001, 0.0001),
        "units": (32, 50, 100, 128),
        "layers": (1, 2, 3),
        "dropout": (0.1, 0.2, 0.3, 0.5),
        "batch_size": (16, 32, 64),
    }


@pytest.mark.parametrize("model", registry.names())
def test_every_family_has_stages_that_it_can_be_made_with_and_ranges_around_them(model):
    config = Config.from_options(model=model)
    if not registry.family(model).trained:
        with pytest.raises(OptionError, match="something to try"):
            stages_of(config)
        return
    stages, space = stages_of(config), space_of(config)
    assert stages and stages.keys() == space.keys()
    for name, values in stages.items():
        assert [config.changed(**{name: value}).flat()[name] for value in values] == list(values)
        which = space[name]
        ends = which.values if isinstance(which, Choice) else (which.low, which.high)
        for end in ends:
            config.changed(**{name: end})
        assert isinstance(which, Choice) or which.low <= min(values) <= max(values) <= which.high


def test_stages_are_named_and_values_given():
    config = Config()
    assert stages_of(config, ["units"], {"units": "64|8"}) == {"units": (64, 8)}
    assert stages_of(config, ["dropout"], {"window": "30,60"}) == {
        "dropout": (0.1, 0.2, 0.3, 0.5),
        "window": (30, 60),
    }
    assert stages_of(config, ["scaling"], {"scaling": ["anchor", "level"]}) == {"scaling": ("anchor", "level")}
    space = space_of(config, ["units"], {"units": "8..64", "learning_rate": "0.1..0.2", "window": "30|60"})
    assert space == {
        "units": Range(8, 64, whole=True, log=True),
        "learning_rate": Range(0.1, 0.2, whole=False, log=False),
        "window": Choice((30, 60)),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            lambda: stages_of(Config(), ["width"]),
            "--stages: must name an option of lstm. Received: 'width'. Use one of:",
        ),
        (lambda: space_of(Config(), (), {"width": "2..4"}), "--try: must name an option of lstm. Received: 'width'."),
        (
            lambda: stages_of(Config(), ["units", "layers", "units"]),
            "--stages: an option stands once. Received: 'units'",
        ),
        (
            lambda: stages_of(Config(), ["window"]),
            "--stages: window needs values to try; lstm has stages learning",
        ),
        (lambda: stages_of(Config(), (), {"units": "0,4"}), "--units: .*greater than or equal to 1"),
        (lambda: stages_of(Config(), (), {"units": "2..8"}), "units needs values one by one"),
        (lambda: stages_of(Config(), (), {"horizon": "1,2"}), "--horizon is no option to tune"),
        (lambda: stages_of(Config(), (), {"file": "a,b"}), "--file is no option to tune"),
        (lambda: stages_of(Config(), (), {"seed": "1,2"}), "--seed is no option to tune"),
        (lambda: space_of(Config(), (), {"units": "64..8"}), "units must rise from one number to another"),
        (lambda: space_of(Config(), ["window"]), "window needs a range"),
        (lambda: parsed_tries(["units"]), "must be OPTION=VALUES"),
        (lambda: parsed_tries(["units=2", "--units=3"]), "'units' twice"),
        (lambda: stages_of(Config(), (), {"units": ","}), "units needs values. Received: none"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_one_line(given, message):
    with flags_wanted(), pytest.raises(OptionError) as error:
        given()
    assert re.search(message, str(error.value)) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("reading", "option", "way"),
    [
        ("overfitting", "dropout", "larger"),
        ("overfitting", "units", "smaller"),
        ("overfitting", "layers", "smaller"),
        ("overfitting", "batch_size", None),
        ("underfitting", "units", "larger"),
        ("underfitting", "learning_rate", "another"),
        ("learning rate too high", "learning_rate", "smaller"),
        ("good", "units", "keep"),
        ("too short to tell", "units", None),
    ],
)
def test_readings_suggest_what_the_specification_says(reading, option, way):
    found = suggested(reading, option, 0.2, LSTM)
    assert found.way == way and reading in found.text


@pytest.mark.parametrize(
    ("way", "kept", "said"),
    [
        ("smaller", 32, "32 is 9.1 % better than 50. The numbers agree."),
        ("larger", 32, "32 is 9.1 % better than 50. The numbers do not agree."),
        ("keep", 32, "32 is 9.1 % better than 50. The numbers do not agree."),
        ("another", 32, "32 is 9.1 % better than 50. The numbers agree."),
        (None, 32, "32 is 9.1 % better than 50."),
        ("keep", 50, "50 stays the best, the next is 9.1 % worse. The numbers agree."),
    ],
)
def test_numbers_agree_or_do_not(way, kept, said):
    good, bad = trial(1, {}, 1.1), trial(2, {}, 1.2)
    before, best = (bad, good) if kept == 32 else (good, good)
    assert agreement(Suggestion(way, ""), (50, before), (kept, best), [good, bad], "rmsse") == said


def test_seeds_tell_luck_from_gain():
    steady = agreement(
        Suggestion(None, ""), (1, trial(1, {}, 1.1, 1.2, 1.3)), (2, trial(2, {}, 1.0, 1.1, 1.21)), [], "rmsse"
    )
    wild = agreement(
        Suggestion(None, ""), (1, trial(1, {}, 1.1, 1.2, 1.3)), (2, trial(2, {}, 0.6, 1.6, 1.3)), [], "rmsse"
    )
    assert steady.endswith("with 3 of 3 seeds, more than seeds differ by.")
    assert wild.endswith("with 1 of 3 seeds, no more than seeds differ by.")


def test_the_best_has_the_least_mean_error_of_trials_that_came_to_an_end():
    trials = [trial(1, {}, None), trial(2, {}, 1.0, 1.0), trial(3, {}, 0.5, None), trial(4, {}, 0.8, 1.2)]
    assert best_of(trials, "rmsse").number == 2
    with pytest.raises(OptionError, match="it diverged"):
        best_of(trials[:1], "rmsse")


def test_a_key_changes_with_whatever_a_training_depends_on_and_with_no_file():
    config = Config()
    keys = {
        key_of("a", config, 1),
        key_of("b", config, 1),
        key_of("a", config.changed(seed=1), 1),
        key_of("a", config.changed(units=8), 1),
        key_of("a", config, 2),
    }
    assert len(keys) == 5 and key_of("a", config.changed(file="x.csv"), 1) in keys


def test_tables_and_importance():
    record = study(trial(1, {}, 1.1), trial(2, {"units": 32}, 1.0), trial(3, {"units": 8, "layers": 1}, None))
    table = trials_table(record)
    assert table["units"].tolist() == [50, 32, 8] and table["best"].tolist() == [False, True, False]
    assert table["rmsse"].tolist()[:2] == [1.1, 1.0] and table["status"].tolist() == ["done", "done", "diverged"]
    head, rows, kept = stage_rows(record, record.stages[0])
    assert head[:2] == ["units", "RMSSE"] and rows[0] == ["50", "1.1000", "1.100", "4", "1.0", "good"] and kept == 1
    assert importance_of(record) == {"units": pytest.approx(1.0)}


def test_the_page_is_whole_and_takes_nothing_on_trust():
    page = study_page(study(trial(1, {}, 1.1), trial(2, {"units": 32}, 1.0), trial(3, {"units": 8}, None)))
    for said in ("Tuning did not help", "The path", "Error against seconds", "Options of all trials", "Curves"):
        assert said in page
    assert "acme<script>" not in page and "<b>it diverged" not in page and page.count("<svg") == 3
    assert "://" not in page.split('id="plotly"')[0]


def test_a_record_comes_back_from_its_json():
    record = study(trial(1, {}, 1.1), trial(2, {"units": 32}, 1.0))
    assert StudyRecord.model_validate_json(record.model_dump_json()) == record
    with pytest.raises(ValueError, match="extra"):
        StudyRecord.model_validate(json.loads(record.model_dump_json()) | {"more": 1})


def test_tasks_come_in_order_whoever_is_done_first():
    assert list(Serial().map(lambda shared, task: shared + task, 10, [1, 2])) == [(0, 11), (1, 12)]
    found = in_order(iter([(2, "c"), (0, "a"), (1, "b")]))
    assert next(found) == "a" and list(found) == ["b", "c"]
