"""The report of many series: what it says, what it carries, how large it is, and that ids stay text."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kerasforecast.errors import printable
from kerasforecast.report import fit_report, page, read_fit, write_fit
from kerasforecast.report.carried import NUMBERS, carried, read
from kerasforecast.report.curves import curves
from kerasforecast.report.panel_figures import ratios
from kerasforecast.report.panel_page import ManySeries
from kerasforecast.report.ranked import Ranked
from tests.core.test_report import Page
from tests.core.test_report_hostile import HOSTILE, Elements
from tests.core.written_panel import panel_fit
from tests.core.written_run import finished_fit, model_file


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    return panel_fit(tmp_path_factory.mktemp("panel"), unscored=2)


def written(folder, fit):
    (folder / "page.html").write_text(fit_report(fit))
    return Page(folder / "page.html")


def section(page, label):
    """The figure whose chart has this label."""
    charts = [pairs for _, pairs in page.elements if pairs.get("class") == "chart"]
    found = next(pairs["id"] for pairs in charts if pairs["aria-label"].startswith(label))
    return page.figures[int(found.removeprefix("figure-"))]


def series_of(page):
    """The head and the arrays that a page carries."""
    _, _, _, head, blob, _ = page.scripts
    return json.loads(head), read(json.loads(head), blob)


def test_the_page_carries_what_was_forecast_and_what_happened(tmp_path, fit):
    head, found = series_of(written(tmp_path, fit))
    assert (len(head["ids"]), head["scored"], head["interval"]) == (40, 38, "80 % interval")
    for place, name in enumerate(head["ids"]):
        room = (found["high"][place] - found["low"][place]) / 65_534
        known = fit.panel[name].values[-60:, 0]
        np.testing.assert_allclose(found["known"][place][-len(known) :], known, atol=room)
        test = fit.forecasts[fit.forecasts["shop"] == name]
        test = pd.concat([test.iloc[-20:-16], test.iloc[-4:]])  # the last path of four steps, and that before it
        drawn = ~np.isnan(found["tested"][0, place])
        assert drawn.sum() == len(test)
        for line, column in enumerate(("forecast", "q0.1", "q0.9")):
            np.testing.assert_allclose(found["tested"][line, place][drawn], test[column], atol=room)
            ahead = fit.ahead.loc[fit.ahead["shop"] == name, column]
            np.testing.assert_allclose(found["ahead"][line, place], ahead, atol=room)
        dates = pd.to_datetime(found["when"][found["rows"][place][drawn]], unit="ms")
        assert dates.strftime("%Y-%m-%d").tolist() == test["date"].tolist()
        assert np.flatnonzero(found["begins"][place]).tolist() == ([52, 56] if len(test) else [])
        dates = pd.to_datetime(found["when"][found["coming"][place]], unit="ms")
        assert dates.strftime("%Y-%m-%d").tolist() == fit.ahead.loc[fit.ahead["shop"] == name, "date"].tolist()


def test_series_stand_in_the_order_of_their_scores(tmp_path, fit):
    head, found = series_of(written(tmp_path, fit))
    table = fit.per_series.set_index("shop").loc[head["ids"]]
    np.testing.assert_allclose(found["score-mase"], table["mase"], rtol=1e-6)
    assert (np.diff(found["score-mase"][:38]) >= 0).all()
    assert [head["notes"][code] for code in found["note"]] == table["note"].tolist()
    np.testing.assert_array_equal(found["score-better"][:38] == 1, table["better"].astype(object)[:38] == True)  # noqa: E712
    assert head["ends"] == {
        "best": list(range(10)), "median": list(range(14, 24)), "worst": list(range(28, 38)),
    }  # fmt: skip


def test_it_says_how_many_series_and_on_how_many_it_is_better(tmp_path, fit):
    page = written(tmp_path, fit)
    assert "forecasts of the test parts of 38 series (2 more have no score)" in page.text
    table = fit.per_series.dropna(subset="mase")
    best, naive = ((table["mase"] < table[f"{name}_mase"]).mean() for name in ("best", "naive"))
    assert f"On {best:.0%} of 38 series the model has a smaller MASE than the best simple forecast" in page.text
    assert f"and on {naive:.0%} a smaller one than the naive forecast." in page.text
    bars = section(page, "Series by the MASE")["data"]
    assert [trace["name"] for trace in bars] == ["better", "no better"]
    assert [sum(trace["y"]) for trace in bars] == [best * 38, 38 - best * 38]


def test_errors_of_series_of_any_size_are_averaged_in_their_own_unit(tmp_path, fit):
    """A series of ten thousand times the size, with ten thousand times the errors, changes nothing."""
    page = written(tmp_path, fit)
    big = {"shop 0003": 1e4}
    size = fit.forecasts["shop"].map(big).fillna(1.0)
    large = fit.forecasts.assign(**{name: fit.forecasts[name] * size for name in ("actual", "forecast", "naive")})
    other = written(tmp_path, replace(fit, forecasts=large, panel=None))
    for title in ("Mean scaled error by step", "Mean scaled error by date"):
        for mine, theirs in zip(section(page, title)["data"], section(other, title)["data"], strict=True):
            assert mine["name"] in ("model", "naive")
            np.testing.assert_allclose(mine["y"], theirs["y"], rtol=1e-5)
    steps = section(page, "Mean scaled error by step")["data"][1]["y"]
    assert steps.mean() == pytest.approx(fit.per_series["mase"].mean(), rel=1e-5)


def test_means_and_medians_over_series_stand_side_by_side(fit):
    test = fit.metrics["test"]
    for name in ("model", "naive"):
        test[name] |= {"scaled_crps": None, "median": {"mase": 0.123, "rmsse": 0.5, "smape": 7.0, "scaled_crps": None}}
    body = ManySeries.of(fit).scores().body
    heads = ["", "MASE", "MASE, median", "RMSSE", "RMSSE, median", "sMAPE", "sMAPE, median"]
    assert re.findall(r'<th scope="col">(.*?)</th>', body)[:7] == heads
    assert "<td>0.1230</td>" in body
    del fit.__dict__["metrics"]


@pytest.mark.parametrize("kind", ["steps", "texts", "without data", "without a forecast ahead", "without scores"])
def test_whatever_is_missing_the_rest_is_shown(tmp_path, kind):
    fit = panel_fit(tmp_path, count=5)
    place = fit.forecasts.groupby("shop").cumcount()
    if kind == "steps":
        changed = {"forecasts": fit.forecasts.assign(date=place // 4 + place % 4), "panel": None}
        changed["ahead"] = fit.ahead.assign(date=1000 + fit.ahead.groupby("shop").cumcount())
    elif kind == "texts":
        changed = {"forecasts": fit.forecasts.assign(date=(place // 4 + place % 4).map("<b>week {}".format))}
    else:
        changed = {"panel": None} if kind == "without data" else {"ahead": None}
        changed = {"per_series": None} if kind == "without scores" else changed
    head, found = series_of(written(tmp_path, replace(fit, **changed)))
    assert head["kind"] == {"steps": "step", "texts": "text"}.get(kind, "date")
    drawn = ~np.isnan(found["tested"][0])
    if kind != "without scores":
        assert (drawn.sum(1) == 8).all()  # each has the rows that its forecasts are of
    assert np.isnan(found["ahead"][0]).all() == (kind == "without a forecast ahead")
    assert head["scored"] == (0 if kind == "without scores" else 5)


def test_a_fit_and_its_files_make_the_same_page(tmp_path, monkeypatch):
    ids = ["007", "NA", "", "a,b", 'q"uote', "nan", "line\nend", "é", "1e5", "True", "date", "null"]
    made = panel_fit(tmp_path, count=12, ids=ids, unscored=1)
    paths = write_fit(made, tmp_path / "acme")
    assert paths["series"] == tmp_path / "acme" / "series.csv"
    (tmp_path / "acme.keras").write_bytes(model_file(made.manifest))
    back = read_fit(tmp_path / "acme.keras", made.panel)
    assert back.per_series["shop"].tolist() == ids
    pd.testing.assert_frame_equal(back.forecasts, made.forecasts)
    pd.testing.assert_frame_equal(back.ahead, made.ahead, check_dtype=False)
    assert back.key == "shop"
    assert back.several
    assert back.series is None
    assert fit_report(back) == fit_report(made)


def test_scores_of_series_of_an_earlier_fit_do_not_stay(tmp_path, fit):
    assert "series" in write_fit(fit, tmp_path)
    lone = finished_fit(tmp_path)
    assert "series" not in write_fit(lone, tmp_path)
    assert not (tmp_path / "series.csv").exists()
    assert not lone.several
    assert lone.series is not None


def test_a_lone_series_with_an_id_has_the_page_of_a_lone_series(tmp_path):
    made = panel_fit(tmp_path, count=1)
    page = written(tmp_path, made)
    assert not made.several
    assert len(page.scripts) == 3
    assert "sales and forecasts" in page.words


@pytest.mark.parametrize(("horizon", "tested"), [(12, 18), (1, 18), (40, 40)])
def test_three_thousand_series_stay_under_three_megabytes(tmp_path, horizon, tested):
    made = panel_fit(tmp_path, count=3_000, horizon=horizon, tested=tested)
    many = ManySeries.of(made)
    size = len(fit_report(made).encode())
    assert size < 3_000_000
    assert len(many.places) == 3_000 or horizon == 40
    _, script = many.scripts()
    assert len(script) > 300_000 or len(many.places) * horizon < NUMBERS


def test_of_more_series_the_ends_the_middle_and_a_sample_are_kept():
    count = 100_000
    mase = np.random.default_rng(0).permutation(count) / count
    ranked = Ranked(pd.DataFrame({"id": np.arange(count).astype(str), "mase": np.sort(mase)}), np.empty(0, int))
    places = ranked.sample(3_000)
    assert len(places) <= 3_030
    assert set(range(10)) | set(range(count - 10, count)) | set(range(49_995, 50_005)) <= set(places.tolist())
    assert np.diff(places).max() <= 35
    assert (np.diff(places) > 0).all()


def test_a_page_says_that_it_has_not_room_for_all(tmp_path, fit, monkeypatch):
    monkeypatch.setattr("kerasforecast.report.panel_page.MOST", 12)
    page = written(tmp_path, fit)
    head, _ = series_of(page)
    assert 12 <= len(head["ids"]) <= 42
    assert head["scored"] == 38
    assert re.search(r"This page has room for \d+ of 40 series: the best, the median and the worst", page.text)


@pytest.mark.parametrize("values", [[1e300, -1e300], [np.inf, 1.0], [5.0, 5.0], [1e-320, 0.0], [3e4, 3e4 + 1e-3]])
def test_numbers_of_any_size_travel(tmp_path, fit, values):
    table = fit.ahead.copy()
    rows = table["shop"] == "shop 0001"
    table.loc[rows, "forecast"] = np.resize(values, rows.sum())
    changed = replace(fit, ahead=table)
    ranked = Ranked.of(changed)
    places = np.arange(len(ranked))
    head, found = read_back(carried(ranked, places, curves(changed, ranked, places)))
    place = head["ids"].index("shop 0001")
    wanted = np.clip(np.resize(values, rows.sum()), -1e300, 1e300)
    there = np.isfinite(np.resize(values, rows.sum()))
    room = (found["high"][place] - found["low"][place]) / 65_534
    np.testing.assert_allclose(found["ahead"][0, place][there], wanted[there], atol=1.01 * room)
    assert np.isnan(found["ahead"][0, place][~there]).all()


def read_back(written):
    head, blob = written
    return head, read(head, blob)


def test_series_that_nobody_can_beat_are_counted_too():
    """A simple forecast without error, a model without, both, and one that was not scored."""
    figure, beyond = ratios(np.array([1.0, 0.0, 0.0, np.nan, 1.0]), np.array([0.0, 1.0, 0.0, 1.0, 2.0]))
    assert [sum(trace["y"]) for trace in figure["data"]] == [2, 2]
    assert beyond


@pytest.mark.parametrize("kind", ["id", "key", "note"])
def test_hostile_texts_stay_text(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(page, "_plotly", lambda: "plotly")
    calm = Elements(fit_report(panel_fit(tmp_path, count=60)))
    if kind == "id":
        fits = [panel_fit(tmp_path, count=60, ids=[f"{hostile} {place}" for place, hostile in enumerate(HOSTILE)])]
    elif kind == "note":
        made = panel_fit(tmp_path, count=60)
        fits = [replace(made, per_series=made.per_series.assign(note=HOSTILE))]
    else:
        fits = [panel_fit(tmp_path, count=60, key=f"{hostile} key") for hostile in HOSTILE[::10]]
    for made in fits:
        text = fit_report(made)
        found = Elements(text)
        assert (found.tags, found.keys) == (calm.tags, calm.keys)
        assert not [char for char in text if not (char.isprintable() or char == "\n")]
        head = json.loads(found.scripts[3])
        if kind == "id":
            whole = [printable(f"{hostile} {place}") for place, hostile in enumerate(HOSTILE)]
            assert {name[:119] for name in head["ids"]} == {name[:119] for name in whole}
        elif kind == "note":
            assert set(head["notes"]) == {printable(hostile) for hostile in HOSTILE}
        else:
            assert head["key"] == printable(made.key)


def test_the_browser_is_told_to_fetch_nothing_and_evaluates_nothing(tmp_path, fit):
    text = fit_report(fit)
    found = written(tmp_path, fit)
    policies = [attributes["content"] for _, attributes in found.elements if "http-equiv" in attributes]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; ")
    assert not any(key in ("src", "href") or key.startswith("on") for _, pairs in found.elements for key in pairs)
    for own in (found.scripts[2], found.scripts[5]):
        assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|fetch\(", own)
    assert "unsafe-eval" not in text
