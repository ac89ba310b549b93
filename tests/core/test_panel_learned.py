"""Which windows of a table of several series a model has learned from: by names, by values, by each series' own end."""

import json

import numpy as np
import pandas as pd
import pytest

from kerasforecast.artifact.data_record import data_record
from kerasforecast.artifact.records import DataRecord
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.cold_start import NEW as NEW_SERIES
from kerasforecast.evaluation.cold_start import evaluate_unseen
from kerasforecast.evaluation.learned import learned_windows
from kerasforecast.evaluation.per_series import LEARNED
from kerasforecast.preprocessing.windows import windows_of
from tests.core.panel_outcomes import Rules, Skilled, panel_of, split_of, walks

WINDOW, ROWS = 5, 60
VALUES = walks(300, ROWS)
STARTS = ["2020-01-01"] * 150 + ["2020-03-01"] * 150


def recorded(values=VALUES, starts=STARTS, ids=None):
    panel = panel_of(values, ids, starts)
    written = data_record(panel, split_of(panel, 10, 10, WINDOW, 1)).model_dump(mode="json")
    return DataRecord.model_validate_json(json.dumps(written))


def every_origin(panel):
    stretches = zip(panel.starts[:-1], panel.ends, strict=True)
    return np.concatenate([np.arange(first + WINDOW - 1, stop - 1) for first, stop in stretches])


def counts(panel, record):
    """Windows in training, in validation and in neither, by series `(M, 3)`."""
    origins = every_origin(panel)
    found = learned_windows(record, panel, origins, 1)
    places = panel.places(origins)
    unseen = np.isin(np.arange(len(origins)), found.unseen)
    return np.stack([np.bincount(places, each, len(panel)) for each in (found.train, found.validation, unseen)], 1)


RECORD = recorded()
SEEN, NEW = [35, 10, 10], [0, 0, 55]


def test_the_very_data_and_newer_rows_of_it():
    assert counts(panel_of(VALUES, None, STARTS), RECORD).tolist() == [SEEN] * 300
    longer = [np.r_[each, each[-1] * 1.1, each[-1]] for each in VALUES]
    assert counts(panel_of(longer, None, STARTS), RECORD).tolist() == [[35, 10, 12]] * 300
    assert len(RECORD.model_dump_json()) < 40_000


def test_some_of_the_series_whether_their_values_were_recorded_or_not():
    for place in (0, 1, 7, 299):
        panel = panel_of([VALUES[place], walks(1, ROWS, 9)[0]], [f"s{place}", "new"], [STARTS[place]] * 2)
        assert counts(panel, RECORD).tolist() == [SEEN, NEW]
    alone = panel_of([VALUES[5]], ["s5"], STARTS[:1])
    assert counts(alone, RECORD).tolist() == [SEEN]


def test_another_panel_with_the_same_names_is_new():
    assert counts(panel_of(walks(300, ROWS, 8), None, STARTS), RECORD).tolist() == [NEW] * 300


def test_values_adjusted_or_mended_are_still_the_same():
    random = np.random.default_rng(0)
    mended = [np.where(random.random(ROWS) < 0.05, each * 1.3, each * 0.5) for each in VALUES]
    assert counts(panel_of(mended, None, STARTS), RECORD)[:, 0].tolist() == [35] * 300


def test_a_series_of_another_name_is_known_by_its_values():
    probed = int(RECORD.panel.probes[3].id[1:])
    panel = panel_of([VALUES[probed], walks(1, ROWS, 9)[0]], ["renamed", "new"], [STARTS[probed]] * 2)
    found = counts(panel, RECORD)
    assert found[0].tolist() == SEEN
    assert found[1].tolist() == NEW


def test_counts_of_nothing_are_no_proof():
    """Zeros at the same dates are in every table of sales."""
    sales = [np.where(np.arange(ROWS) % 7 == place % 7, 0.0, 0.0) for place in range(30)]
    record = recorded(sales, STARTS[:30])
    assert counts(panel_of(sales[:2], ["a", "b"], STARTS[:2]), record).tolist() == [NEW] * 2


def test_series_held_out_are_new():
    panel = panel_of(VALUES[:10])
    split = split_of(panel, 10, 10, WINDOW, 1)
    split.edges[4, 1:3] = split.edges[4, 0]
    record = data_record(panel, split)
    found = counts(panel, record)
    assert found[4].tolist() == NEW
    assert np.delete(found, 4, 0).tolist() == [SEEN] * 9


def test_many_series_are_recorded_in_little_room_and_err_on_the_safe_side():
    ids = [f"a series with quite a long name, number {place}" for place in range(300)]
    long = [name + "x" * 700 for name in ids]
    record = recorded(ids=long)
    assert record.panel.ids == ()
    found = counts(panel_of(VALUES, long, STARTS), record.model_copy(update={"sha256": "0" * 64}))
    assert (found[:150, 2] == 0).all()  # all up to the latest end of any
    assert (found[150:] == SEEN).all()


def test_a_lone_series_model_finds_its_series_in_a_table_and_a_lone_table_finds_its_model():
    lone = panel_of([VALUES[3]], ["ibm"], key=None)
    record = data_record(lone, split_of(lone, 10, 10, WINDOW, 1))
    assert record.panel is None
    assert "panel" not in record.model_dump(mode="json")
    panel = panel_of([VALUES[2], VALUES[3]], ["x", "y"])
    assert counts(panel, record).tolist() == [NEW, SEEN]
    assert counts(Panel.of(lone[0]), RECORD).tolist() == [NEW]  # five values recorded of a few series, not of this one


def test_a_strangers_record_makes_no_fault():
    panel = panel_of(VALUES[:3])
    steps = Panel(
        values=panel.values, index=pd.Index(np.tile(np.arange(ROWS), 3)), starts=panel.starts, ids=panel.ids,
        columns=panel.columns, roles=panel.roles, observed=panel.observed, key="shop",
    )  # fmt: skip
    hostile = RECORD.panel.model_dump() | {"ends": {"s0": ("x", 7)}}
    hostile["probes"] = ({"id": "s0", "rows": ("2020-13-01", 5), "values": (1.0, 2.0)},)
    for record in (RECORD, DataRecord(**RECORD.model_dump() | {"panel": hostile})):
        for data in (panel, steps):
            assert counts(data, record).sum() == 165
    assert counts(steps, data_record(steps, split_of(steps, 10, 10, WINDOW, 1))).tolist() == [SEEN] * 3
    for fault in ({"ids": ["x" * 1_001]}, {"probes": [hostile["probes"][0]] * 201}, {"more": 1}):
        with pytest.raises(ValueError, match="validation error"):
            DataRecord(**RECORD.model_dump() | {"panel": RECORD.panel.model_dump() | fault})


def test_scores_are_of_the_windows_not_learned_from_and_the_table_says_which_series_had_none():
    panel = panel_of([VALUES[0], VALUES[1][:50], walks(1, ROWS, 9)[0]], ["s0", "s1", "new"], STARTS[:3])
    origins = every_origin(panel)
    windows = windows_of(panel, origins, WINDOW, 1)
    found = evaluate_unseen(Skilled(0.3), windows, Rules(), learned_windows(RECORD, panel, origins, 1))
    assert found.learned == "70 in its training part and 20 in its validation part"
    table = found.per_series.set_index("shop")
    assert table["windows"].tolist() == [10, 0, 55]
    assert table["note"].tolist() == ["", LEARNED, NEW_SERIES]
    assert found.judged
    assert (found.scores["n"], found.scores["series"]) == (10, 1)  # those of a new series stand apart
    assert (found.held_out.scores["n"], found.held_out.scores["series"]) == (55, 1)
    assert found.table["shop"].tolist() == ["s0"] * 10 + ["new"] * 55
    only = panel_of(VALUES[1:2] + walks(1, ROWS, 9), ["s1", "new"], STARTS[1:3])
    origins = every_origin(only)[55:]
    alone = evaluate_unseen(
        Skilled(0.3), windows_of(only, origins, WINDOW, 1), Rules(), learned_windows(RECORD, only, origins, 1)
    )
    assert alone.held_out is None  # with none beside them
    assert alone.scores["series"] == 1
