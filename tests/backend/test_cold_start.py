"""Series that are held out: in no fit of anything, and scored apart from those that training saw."""

from dataclasses import replace

import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.errors import DataError
from kerasforecast.evaluation.cold_start import HELD_OUT, held_out_line, seen_and_held_out
from kerasforecast.preprocessing.split import held_out
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.sections.split import SplitConfig
from tests.roles import shops

OPTIONS = {"window": 6, "horizon": 2, "units": 4, "layers": 1, "epochs": 2, "scaling": "standard", "final": "none"}
SHARE = 0.3


def fitted(panel):
    return kf.fit(panel, **OPTIONS, holdout_series=SHARE)


def other_than(panel):
    """The panel with every value of the series held out another: target, past, known ahead, attributes."""
    held = held_out(panel, SplitConfig(holdout_series=SHARE))
    rows = held[panel.places(np.arange(len(panel.index)))]
    values, static = panel.values.copy(), panel.static.copy()
    values[rows, :3] = values[rows, :3] * 7 + 3  # not the weekday, which the dates give
    static[held] = static[held] * [0, 9, 0] + [1, 5, 2]
    return replace(panel, values=values, static=static), held


@pytest.fixture(scope="module")
def models():
    panel = shops(count=20)
    other, held = other_than(panel)
    return fitted(panel), fitted(other), held


def test_nothing_of_the_model_depends_on_a_series_held_out(models):
    one, other, _ = models
    for own, theirs in zip(one.predictor.weights, other.predictor.weights, strict=True):
        assert own.tobytes() == theirs.tobytes()
    for part in ("scaling", "covariates"):
        assert getattr(one.manifest.members[0], part) == getattr(other.manifest.members[0], part)
    for part in ("baselines", "calibration", "adapted", "golden"):
        assert getattr(one.manifest, part) == getattr(other.manifest, part), part
    assert [epoch.val_loss for epoch in one.history.epochs] == [epoch.val_loss for epoch in other.history.epochs]
    assert one.test.scores == other.test.scores
    assert one.test.importance == other.test.importance
    assert one.verdict == other.verdict
    assert one.test.held_out.scores["model"] != other.test.held_out.scores["model"]


def test_their_scores_stand_apart(models):
    model, _, held = models
    each, scores = model.test.per_series, model.test.scores
    assert each["held_out"].tolist() == held.tolist()
    assert (each["windows"] > 0).all()
    assert (each["note"][held] == HELD_OUT).all()
    assert not each["note"][~held].any()
    assert (scores["series"], scores["unscored"]) == ((~held).sum(), 0)
    assert model.test.held_out.scores["series"] == held.sum()
    assert scores["model"]["mase"] == pytest.approx(each["mase"][~held].mean())
    assert model.test.held_out.scores["model"]["mase"] == pytest.approx(each["mase"][held].mean())
    assert scores["n"] + model.test.held_out.scores["n"] == each["windows"].sum()
    assert model.test.table["shop"].astype(str).drop_duplicates().tolist() == list(model.panel.ids)


def test_a_file_and_its_report_keep_them(models, tmp_path):
    model = models[0]
    loaded = kf.load(model.save(tmp_path / "shops.keras"))
    assert loaded.test.held_out.scores == model.manifest.model_dump(mode="json")["metrics"]["held_out"]
    assert loaded.test.held_out.verdict == model.test.held_out.verdict
    page = model.report(tmp_path / "report.html").read_text()
    assert "6 series that training never saw: MASE" in page
    assert "Covariates that earn their place" in page


def test_without_series_held_out_nothing_is_said_of_them():
    model = kf.fit(shops(count=9), **OPTIONS)
    assert model.test.held_out is None
    assert "held_out" not in model.test.per_series
    assert "held_out" not in model.manifest.model_dump(mode="json")["metrics"]


def test_the_line():
    test, held = {"model": {"mase": 0.79}}, {"model": {"mase": 0.812}, "series": 17}
    assert held_out_line(test, held) == "17 series that training never saw: MASE 0.81 (0.79 on the others)"
    none = {"model": {"mase": None}}
    assert held_out_line(none, none | {"series": 2}, "no better than naive") == (
        "2 series that training never saw: no MASE, for want of a scale; no better than naive"
    )
    assert held_out_line(test, None) is None


def test_a_test_part_of_series_held_out_alone_is_refused():
    panel, config = shops(), Config.from_options(**OPTIONS, holdout_series=SHARE)
    held = int(np.flatnonzero(held_out(panel, config.split))[0])
    windows = windows_of(panel, panel.starts[held : held + 1] + 40, 6, 2)
    with pytest.raises(DataError, match="a series that is not held out must have a window in its test part"):
        seen_and_held_out(windows, config)


def test_scores_of_the_same_windows_are_the_same_when_a_model_is_evaluated_again():
    model = kf.fit(shops(), **OPTIONS)
    again = model.evaluate()
    assert again.scores["n"] == model.test.scores["n"]
    for name in ("mase", "rmsse", "scaled_crps"):
        assert again.scores["model"][name] == pytest.approx(model.test.scores["model"][name], rel=0.05)
    assert again.scores["naive"]["mase"] == pytest.approx(model.test.scores["naive"]["mase"], rel=1e-9)
