"""The picture of the forecasts of several series: as a file, for notebooks, and in a terminal."""

import re

import numpy as np
import pandas as pd
import pytest

from kerasforecast.report.forecast_table import ForecastTable
from kerasforecast.report.notebook import model_html
from kerasforecast.report.outlook import Outlook
from kerasforecast.report.outlooks import outlook_of
from kerasforecast.report.plot import forecast_figure, write_plot
from kerasforecast.report.terminal import drawn
from tests.core.test_report import Page
from tests.core.test_report_hostile import HOSTILE
from tests.core.written_panel import panel_fit
from tests.core.written_run import finished_fit


def sheet(folder, **options):
    fit = panel_fit(folder, **options)
    return outlook_of("acme", fit.panel, fit.ahead, fit.levels, "worse than naive"), fit


def test_of_many_series_a_few_are_drawn_evenly_chosen(tmp_path):
    outlooks, fit = sheet(tmp_path, count=100)
    assert [each.id for each in outlooks.each] == [f"shop {place:04}" for place in range(0, 100, 9)]
    assert outlooks.titles == ["acme: forecast of sales, 12 of 100 series", "On the test part: worse than naive"]
    for each in outlooks.each:
        own = fit.ahead[fit.ahead["shop"] == each.id]
        assert each.ahead["forecast"].tolist() == own["forecast"].tolist()
        np.testing.assert_array_equal(each.values, fit.panel[each.id].values[-60:, 0])
    assert outlook_of("acme", fit.panel, fit.ahead, fit.levels, most=3).counted == "3 of 100 series"


def test_one_of_many_is_drawn_by_itself_and_a_lone_one_as_ever(tmp_path):
    _, fit = sheet(tmp_path, count=5)
    own = fit.ahead[fit.ahead["shop"] == "shop 0002"]
    one = outlook_of("acme", fit.panel, own, fit.levels)
    assert one.titles == ["acme: forecast of sales, shop 0002"]
    by_date = own.set_index(["shop", "date"])  # as `Model.forecast` gives it
    assert outlook_of("acme", fit.panel, by_date, fit.levels).titles == one.titles
    assert outlook_of("acme", fit.panel, by_date, fit.levels).figure()["data"][-1]["name"] == "forecast"
    lone = finished_fit(tmp_path, levels=(0.1, 0.9))
    as_ever = Outlook.after("acme", lone.series, lone.ahead, lone.levels)
    for data in (lone.series, lone.panel):
        found = outlook_of("acme", data, lone.ahead, lone.levels)
        assert found.titles == as_ever.titles
        np.testing.assert_array_equal(found.values, as_ever.values)


@pytest.mark.parametrize("count", [2, 30])
@pytest.mark.parametrize("kind", ["png", "svg", "html"])
def test_a_sheet_is_written_by_the_ending_of_its_name(tmp_path, kind, count):
    outlooks, _ = sheet(tmp_path, count=count)
    path = tmp_path / f"out.{kind}"
    write_plot(outlooks, path)
    content = path.read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "html": b"<!doctype html>"}[kind])
    if kind != "png":
        for words in ("On the test part: worse than naive", outlooks.counted, *(each.id for each in outlooks.each)):
            assert words in content.decode()
    write_plot(outlooks, path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("count", [2, 3, 4, 12])
def test_each_series_of_a_figure_has_axes_of_its_own(tmp_path, count):
    outlooks, _ = sheet(tmp_path, count=count)
    figure = forecast_figure(outlooks)
    assert "--" not in figure.to_json()
    known = [trace for trace in figure.data if trace.name == "known"]
    numbers = ["", *map(str, range(2, count + 1))]
    assert [(trace.xaxis, trace.yaxis) for trace in known] == [(f"x{number}", f"y{number}") for number in numbers]
    assert sum(trace.showlegend is not False for trace in known) == 1
    layout = figure.layout
    boxes = [(*layout[f"xaxis{number}"].domain, *layout[f"yaxis{number}"].domain) for number in numbers]
    for one in range(count):
        assert all(0 <= edge <= 1 for edge in boxes[one])
        for other in range(one):
            (a, b, c, d), (e, f, g, h) = boxes[one], boxes[other]
            assert b <= e or f <= a or d <= g or h <= c  # none lies on another


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_terminal_shows_a_few_below_one_another(tmp_path, encoding):
    outlooks, fit = sheet(tmp_path, count=30)
    lines = drawn(outlooks, 80, encoding)
    assert lines[:2] == ["acme: forecast of sales, 4 of 30 series", "On the test part: worse than naive"]
    names = [line for line in lines if line.startswith("shop")]
    assert names == ["shop 0000", "shop 0011", "shop 0018", "shop 0029"]
    assert len(lines) < 60
    assert max(map(len, lines)) <= 80
    assert "".join(lines).isascii() == (encoding == "ascii")
    two = outlook_of("acme", fit.panel, fit.ahead[fit.ahead["shop"].isin(["shop 0003", "shop 0004"])], fit.levels)
    assert drawn(two, 80)[0] == "acme: forecast of sales, 2 series"


def test_ids_stay_text_in_every_picture(tmp_path):
    ids = [f"{hostile} {place}" for place, hostile in enumerate(HOSTILE)]
    _, fit = sheet(tmp_path, count=60, ids=ids)
    for begin in range(0, 60, 12):
        some = fit.ahead[fit.ahead["shop"].isin(ids[begin : begin + 12])]
        outlooks = outlook_of("acme", fit.panel, some, fit.levels)
        names = [note.text for note in forecast_figure(outlooks).layout.annotations]
        assert not any(re.search("<|&(?!lt;|gt;|amp;)", name) for name in names)
        assert all(line.isprintable() for line in drawn(outlooks, 80))
        write_plot(outlooks, tmp_path / "out.html")
        page = Page(tmp_path / "out.html")
        assert [tag for tag, _ in page.elements].count("script") == 3
        assert "img" not in {tag for tag, _ in page.elements}
    write_plot(outlooks, tmp_path / "out.svg")
    shown = (tmp_path / "out.svg").read_text()
    assert not re.search(r"<(script|img|iframe|a|foreignObject|image)\b", shown, re.IGNORECASE)


@pytest.mark.parametrize("dated", ["levels", "index", "column"])
def test_a_notebook_shows_ids_and_each_series_on_a_scale_of_its_own(dated):
    table = pd.DataFrame({"shop": ["<b>a</b>"] * 2 + ["b"] * 2, "forecast": [1.0, 2.0, 1e6, 2e6]})
    table = table.assign(**{"q0.1": table["forecast"] * 0.9, "q0.9": table["forecast"] * 1.1})
    dates = pd.DatetimeIndex(["2024-01-01", "2024-01-02"] * 2, name="date")
    if dated != "column":
        table = table.set_index(dates)
        table = table.set_index("shop", append=True).swaplevel() if dated == "levels" else table
    else:
        table.insert(1, "date", dates.strftime("%Y-%m-%d"))
    shown = ForecastTable(table)._repr_html_()
    assert "&lt;b&gt;a&lt;/b&gt;" in shown
    assert shown.count("2024-01-02") == 2
    dots = re.findall(r'<circle cx="([\d.]+)"', shown)
    assert dots[:2] == dots[2:]


def test_a_notebook_shows_the_scores_of_many_series(tmp_path):
    fit = finished_fit(tmp_path)
    content = fit.manifest.model_dump(mode="json")
    content["metrics"]["test"] |= {"series": 3_000}

    class Stub:
        """A manifest whose scores are of many series."""

        members, window, horizon, metrics = fit.manifest.members, 5, 1, fit.manifest.metrics
        name, target = fit.manifest.name, fit.manifest.target

        def model_dump(self, **_):
            return {"metrics": content["metrics"]}

    shown = model_html(Stub())
    assert "forecasts of 3,000 series" in shown
    assert ">MASE<" in shown
    assert ">RMSE<" not in shown
    assert ">RMSE<" in model_html(fit.manifest)


def test_a_long_verdict_is_shown_whole(tmp_path):
    """On several series it has more to say than a line holds."""
    fit = panel_fit(tmp_path, count=3)
    verdict = "no better than seasonal naive of 12 rows (rank p = 0.19), better on 24 % of 152 series; " * 2
    own = fit.ahead[fit.ahead["shop"] == "shop 0001"]
    for ahead in (fit.ahead, own):
        outlook = outlook_of("acme", fit.panel, ahead, fit.levels, verdict.strip())
        lines = drawn(outlook, 80)
        assert max(map(len, lines)) <= 80
        assert verdict.strip() in " ".join(lines)
        shown = forecast_figure(outlook).layout.title.text
        assert verdict.strip() in shown.replace("<br>", " ")
        assert max(map(len, shown.split("<br>"))) <= 110
        write_plot(outlook, tmp_path / "out.svg")
        assert (tmp_path / "out.svg").read_text().count("better on 24 %") == 2
