"""The picture of a forecast: for notebooks, as a file, and in a terminal."""

import re
import sys

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.series import Series
from kerasforecast.errors import OptionError
from kerasforecast.evaluation.verdict import judged
from kerasforecast.report.colours import palette
from kerasforecast.report.forecast_table import ForecastTable
from kerasforecast.report.notebook import model_html
from kerasforecast.report.outlook import Outlook
from kerasforecast.report.plot import check_kind, forecast_figure, write_plot
from kerasforecast.report.terminal import drawn
from tests.core.helpers import run_command
from tests.core.test_report import HOSTILE, Page
from tests.core.test_report_hostile import HOSTILE as HOSTILES
from tests.core.written_run import finished_fit

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def outlook(name="acme", target="Close", steps=5, levels=LEVELS, dated=True, rows=200, flat=False):
    values = np.full(rows, 3.0) if flat else 100 + 10 * np.sin(np.arange(rows) / 9)
    index = pd.date_range("2024-01-01", periods=rows) if dated else pd.RangeIndex(rows)
    ahead = pd.date_range(index[-1], periods=steps + 1)[1:] if dated else pd.RangeIndex(rows, rows + steps)
    spread = np.zeros(steps) if flat else np.sqrt(np.arange(1, steps + 1))
    columns = {"forecast": values[-1] + 0 * spread}
    columns |= {f"q{level:g}": values[-1] + 4 * (level - 0.5) * spread for level in levels}
    series = Series(values[:, None], index, (target,), frequency="D" if dated else None)
    return Outlook.after(name, series, pd.DataFrame(columns, index=ahead.rename("date")), LEVELS, "worse than naive")


def test_the_figure_for_notebooks_is_the_report_s_first_chart(tmp_path):
    fit = finished_fit(tmp_path, horizon=3, levels=LEVELS)
    page = Page(written_page(tmp_path, fit))
    figure = forecast_figure(Outlook.after("acme", fit.series, fit.ahead, LEVELS, "worse than naive"))
    assert [trace.name for trace in figure.data] == [trace["name"] for trace in page.figures[0]["data"]]
    for ours, theirs in zip(figure.data, page.figures[0]["data"], strict=True):
        np.testing.assert_allclose(np.asarray(ours.y, float), theirs["y"], rtol=1e-6)
        np.testing.assert_array_equal(np.asarray(ours.x, "datetime64[ms]").astype(int), theirs["x"])
    assert figure.layout.title.text == "acme: forecast of Close<br>On the test part: worse than naive"
    assert "--" not in figure.to_json()  # every colour has a value
    assert {trace.line.color for trace in figure.data} <= set(palette().values())


def written_page(folder, fit):
    from kerasforecast.report import fit_report

    (folder / "page.html").write_text(fit_report(fit))
    return folder / "page.html"


@pytest.mark.parametrize("options", [{}, {"steps": 1}, {"levels": ()}, {"dated": False}, {"steps": 48}, {"flat": True}])
@pytest.mark.parametrize("kind", ["png", "svg", "html"])
def test_a_picture_is_written_by_the_ending_of_its_name(tmp_path, kind, options):
    path = tmp_path / f"out.{kind}"
    check_kind(path)
    write_plot(outlook(**options), path)
    content = path.read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "html": b"<!doctype html>"}[kind])
    if kind != "png":
        shown = content.decode()
        intervals = () if options.get("levels") == () else ("80 % interval", "95 % interval")
        for words in ("On the test part: worse than naive", "Close", "known", "forecast", *intervals):
            assert words in shown
    before = content
    write_plot(outlook(**options), path)
    assert path.read_bytes() == before  # the same picture is the same file


@pytest.mark.parametrize("hostile", HOSTILES)
def test_names_stay_text_in_figures_and_terminals(hostile):
    picture = outlook(hostile, f"{hostile} column", steps=2)
    figure = forecast_figure(picture)
    assert not re.search(r"<(?!br>)", figure.layout.title.text + figure.layout.yaxis.title.text)
    for line in drawn(picture, 80):
        assert line.isprintable()


@pytest.mark.parametrize("hostile", HOSTILES[::9])  # matplotlib escapes them; drawing takes a while
def test_names_stay_text_in_drawn_files(tmp_path, hostile):
    write_plot(outlook(hostile, f"{hostile} column", steps=2), tmp_path / "out.svg")
    written = (tmp_path / "out.svg").read_text()
    assert not re.search(r"<(script|img|iframe|a|foreignObject|image)\b", written, re.IGNORECASE)


def test_a_page_of_a_picture_takes_names_for_text(tmp_path):
    write_plot(outlook(HOSTILE, HOSTILE), tmp_path / "out.html")
    page = Page(tmp_path / "out.html")
    assert [tag for tag, _ in page.elements].count("script") == 3
    assert "img" not in {tag for tag, _ in page.elements}
    assert (tmp_path / "out.html").stat().st_size < 1_500_000


@pytest.mark.parametrize("name", ["new.csv", "out.pdf", "out", "out.png.gz"])
def test_another_ending_is_refused_with_the_ones_there_are(tmp_path, name):
    with pytest.raises(OptionError, match=r"ends in \.png, \.svg or \.html\. Received: .* put --plot last"):
        check_kind(tmp_path / name)


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OptionError, match=r"pip install 'kerasforecast\[plot\]'; or write \.html"):
        check_kind(tmp_path / "out.png")
    check_kind(tmp_path / "out.html")


def test_a_wrong_ending_is_refused_before_anything_loads(tmp_path):
    done = run_command("predict", str(tmp_path / "absent.keras"), "--plot", "out.pdf")
    assert done.code == 2
    assert "--plot writes a file that ends in" in done.err
    assert "keras" not in done.loaded


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", None, "no such"])
@pytest.mark.parametrize("options", [{}, {"steps": 1}, {"levels": ()}, {"dated": False}, {"steps": 48}, {"flat": True}])
def test_the_chart_of_a_terminal_fits_it(columns, encoding, options):
    lines = drawn(outlook(**options), columns, encoding)
    chart = lines[2:14]
    assert max(map(len, chart)) <= max(columns, 20)
    assert "".join(lines).isascii() == (encoding != "utf-8")
    known, ahead = ("⣿", "⣿") if encoding == "utf-8" else ("*", "o")
    assert any(char == known or "\u2800" < char < "\u28ff" for line in chart for char in line)
    assert encoding == "utf-8" or any(ahead in line for line in chart)


def test_the_chart_of_a_terminal_shows_where_the_interval_lies():
    lines = drawn(outlook(steps=40), 80, "ascii")
    assert lines[:2] == ["acme: forecast of Close", "On the test part: worse than naive"]
    chart = [line[:60] for line in lines[2:14]]
    end = ["".join(line.ljust(60)[50:58]) for line in chart]
    marks = [next((mark for mark in (":", ".", "o") if mark in row), " ") for row in end]
    shape = "".join(marks).strip()
    assert re.fullmatch(r"\.+[:o]+\.+", shape), lines  # outer, inner with the forecast, outer
    assert lines[-1] == "| the last known, 2024-07-18  . 95 % interval  : 80 % interval"
    assert lines[-2].endswith("2024-08-27")


def test_a_notebook_shows_verdict_and_scores(tmp_path):
    fit = finished_fit(tmp_path, name=HOSTILE, target="<b>Close</b>")
    shown = model_html(fit.manifest)
    assert "&lt;b&gt;Close&lt;/b&gt;" in shown
    assert not re.search("<(script|img|b)\\b", shown)
    assert judged(fit.metrics["test"]).sentence in shown
    assert f"{fit.metrics['test']['naive']['rmse']:,.4f}" in shown
    bare = fit.manifest.model_copy(update={"metrics": None})
    assert "<table>" not in model_html(bare)
    assert "window 5, horizon 1" in model_html(bare)


@pytest.mark.parametrize("steps", [1, 5, 100])
@pytest.mark.parametrize("levels", [LEVELS, (0.5,), ()])
def test_a_notebook_shows_forecasts_with_their_intervals(steps, levels):
    index = pd.date_range("2024-02-28", periods=steps, name="date")
    columns = {"forecast": np.linspace(3, 4, steps)} | {
        f"q{level:g}": np.linspace(3, 4, steps) + level for level in levels
    }
    table = ForecastTable(columns, index=index)
    shown = table._repr_html_()
    assert shown.count("<svg") == min(steps, 60)
    assert shown.count("<rect") == min(steps, 60) * (len(levels) // 2)
    assert "2024-02-28" in shown
    assert ("95 % from" in shown) == (len(levels) > 1)
    assert ("The first 60 of 100 rows." in shown) == (steps == 100)
    assert type(table.tail(2)) is type(table[["forecast"]]) is pd.DataFrame
    pd.testing.assert_frame_equal(table, pd.DataFrame(columns, index=index), check_frame_type=False)


def test_a_table_that_its_holder_changed_is_shown_all_the_same():
    table = ForecastTable({"forecast": [1.0, 2.0], "q0.1": [0.5, np.nan], "q0.9": [3.0, 3.0]}, index=[7, 8])
    table["quality"] = "<b>"
    assert "<svg" in table._repr_html_()
    del table["forecast"]
    assert "&lt;b&gt;" in table._repr_html_()
