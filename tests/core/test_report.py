"""The report as a file: what it says, where its numbers come from, and that data stays data."""

import gzip
import hashlib
import html
import json
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import ArtifactError, InputError
from kerasforecast.report import fit_report, read_fit, rewrite_report, traces, write_fit
from kerasforecast.report.compact import packed, unpacked
from kerasforecast.report.page import embedded, text
from tests.core.helpers import run_command
from tests.core.written_run import finished_fit, write_run

HOSTILE = "</script><script>window.hacked = 1</script><img src=x onerror=hacked()>\"'&\x1b[2J\u2028{{x}}"


class Page(HTMLParser):
    """Elements, the text of each script, and the text outside of scripts and style."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.scripts, self.words, self._open = [], [], [], None
        self.feed(path.read_text())
        self.figures = unpacked(json.loads(self.scripts[0]))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] += data
        elif self._open != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(model):
    return Page(rewrite_report(model))


def names(page):
    return {trace["name"] for figure in page.figures for trace in figure["data"]}


def section(page, title):
    """The figure below a heading; headings without one are passed over."""
    charts = [attributes["aria-label"] for _, attributes in page.elements if attributes.get("class") == "chart"]
    return page.figures[next(place for place, label in enumerate(charts) if label.startswith(title))]


def line_of(figure, name):
    return next(trace for trace in figure["data"] if trace["name"] == name and trace.get("showlegend") is not False)


def milliseconds(dates):
    return pd.DatetimeIndex(dates).as_unit("ms").asi8


def test_the_first_sentence_is_the_verdict(model, page):
    verdict = json.loads((model.parent / "acme" / "metrics.json").read_text())["verdict"]
    assert "Not worth using: it is no better than repeating the last value." in page.text
    assert f"{verdict[:1].upper()}{verdict[1:]}." in page.text
    assert verdict.startswith("no better than naive (DM p = ")
    assert "of the test part, 2021-04-21 to 2021-07-13, which training never saw" in page.text


@pytest.mark.parametrize(
    ("skill", "begins", "tone"),
    [(0.5, "Worth using: its errors are", "good"), (-0.5, "Do not use: its errors are", "bad")],
)
def test_a_skilled_model_and_a_harmful_one_are_called_so(tmp_path, skill, begins, tone):
    page = Page(rewrite_report(write_run(tmp_path, skill=skill)))
    assert begins in page.text
    assert ("header", {"class": tone}) in page.elements


def test_scores_are_those_of_metrics_json(model, page):
    test = json.loads((model.parent / "acme" / "metrics.json").read_text())["test"]
    for side in ("model", "naive"):
        for key, form in (("rmse", "{:,.4f}"), ("mae", "{:,.4f}"), ("mape", "{:.3f} %")):
            assert form.format(test[side][key]) in page.text


def test_everything_there_is_to_see_is_shown(page):
    for heading in (
        "Forecast", "Scores", "Prices and forecasts", "Test part", "Lead over naive", "Error over time", "Loss curves",
        "Errors", "Autocorrelation of errors", "Split", "Configuration and provenance",
    ):  # fmt: skip
        assert heading in page.words
    assert {"actual", "forecast", "naive", "training", "validation", "learning rate", "best epoch"} <= names(page)
    assert "Good: both fell; keep it. Epoch 8 of 8 was kept." in page.text
    assert "learning rate" in page.text  # an option, as any other
    assert sum(attributes.get("class") == "chart" for _, attributes in page.elements) == len(page.figures) == 8


def test_the_lines_are_the_run_s_own_numbers(model, page):
    fit = read_fit(model)
    series, tested = section(page, "The series"), section(page, "Actual, forecast")
    np.testing.assert_allclose(line_of(series, "actual")["y"], fit.series.values[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(line_of(series, "actual")["x"], milliseconds(fit.series.index))
    for column in ("actual", "forecast", "naive"):
        np.testing.assert_allclose(line_of(tested, column)["y"], fit.forecasts[column], rtol=1e-6)
        np.testing.assert_array_equal(line_of(tested, column)["x"], milliseconds(fit.forecasts["date"]))


def test_the_forecast_of_the_future_comes_first(tmp_path):
    model = write_run(tmp_path, horizon=3, levels=(0.025, 0.1, 0.5, 0.9, 0.975))
    page, fit = Page(rewrite_report(model)), read_fit(model)
    assert page.words.index("Forecast") < page.words.index("Scores")
    assert (tmp_path / "acme" / "forecast.csv").read_text().startswith("date,forecast,q0.025,")
    drawn = page.figures[0]["data"]
    known, forecast = line_of(page.figures[0], "known"), line_of(page.figures[0], "forecast")
    np.testing.assert_allclose(known["y"], fit.series.values[-60:, 0], rtol=1e-6)
    np.testing.assert_allclose(forecast["y"][1:], fit.ahead["forecast"], rtol=1e-6)
    assert (forecast["x"][0], forecast["y"][0]) == (known["x"][-1], known["y"][-1])  # they meet
    np.testing.assert_array_equal(forecast["x"][1:], milliseconds(fit.ahead["date"]))
    assert [trace["name"] for trace in drawn] == ["95 % interval"] * 2 + ["80 % interval"] * 2 + ["known", "forecast"]
    np.testing.assert_allclose(drawn[2]["y"][1:], fit.ahead["q0.1"], rtol=1e-6)
    for date, value in zip(fit.ahead["date"], fit.ahead["forecast"], strict=True):
        assert date in page.words
        assert f"{value:,.6g}" in page.words


def test_the_naive_line_lies_under_the_model_s(page):
    for figure in (section(page, "The series"), section(page, "Actual, forecast")):
        drawn = [trace["name"] for trace in figure["data"]]
        assert drawn == ["naive", "actual", "forecast"]


def test_nothing_is_shown_in_squared_units(tmp_path):
    """The lead is a share of the naive forecast's own squared errors, and errors over time are ratios to its."""
    model = write_run(tmp_path, skill=0.5)
    page, table = Page(rewrite_report(model)), read_fit(model).forecasts
    lead = section(page, "Lead over naive")
    mine, naive = (((table[name] - table["actual"]) ** 2).sum() for name in ("forecast", "naive"))
    assert lead["data"][0]["y"][-1] == pytest.approx(100 * (1 - mine / naive), rel=1e-5)
    bars = section(page, "RMSE over that of naive")["data"][0]
    first = table.iloc[: -(-len(table) // 8)]
    squares = [((first[name] - first["actual"]) ** 2).mean() for name in ("forecast", "naive")]
    assert bars["base"] + bars["y"][0] == pytest.approx(np.sqrt(squares[0] / squares[1]), rel=1e-5)


def test_only_prices_are_called_so(tmp_path):
    assert "sales and forecasts" in Page(rewrite_report(write_run(tmp_path, target="sales"))).words


def test_without_dates_the_axis_has_steps(tmp_path):
    fit = finished_fit(tmp_path, horizon=2)
    stepped = fit.forecasts.assign(date=np.arange(len(fit.forecasts)) // 2 + fit.forecasts["step"])
    ahead = fit.ahead.assign(date=[1000, 1001])
    (tmp_path / "page.html").write_text(fit_report(replace(fit, forecasts=stepped, panel=None, ahead=ahead)))
    drawn = Page(tmp_path / "page.html").figures
    for figure in drawn[:3]:
        assert figure["layout"]["xaxis"]["title"]["text"] == "step"
    assert line_of(drawn[0], "forecast")["x"][-2:].tolist() == [1000, 1001]


def test_intervals_are_drawn_and_their_calibration_with_them(tmp_path):
    model = write_run(tmp_path, levels=(0.05, 0.1, 0.5, 0.9, 0.95))
    page = Page(rewrite_report(model))
    assert {"90 % interval", "80 % interval"} <= names(page)
    assert "Calibration of the prediction intervals" in page.words
    observed = next(figure for figure in page.figures if figure["data"][0]["name"] == "ideal")["data"][1]
    assert observed["x"] == pytest.approx([0.05, 0.1, 0.5, 0.9, 0.95])
    table = read_fit(model).forecasts
    assert observed["y"][1] == pytest.approx((table["actual"] <= table["q0.1"]).mean(), abs=1e-6)


def test_several_steps_have_an_error_each(tmp_path):
    model = write_run(tmp_path, horizon=3)
    page = Page(rewrite_report(model))
    table = read_fit(model).forecasts
    steps = next(figure for figure in page.figures if "steps ahead" in json.dumps(figure["layout"]))["data"]
    third = table[table["step"] == 3]
    assert [trace["name"] for trace in steps] == ["naive", "model"]
    assert steps[1]["x"].tolist() == [1, 2, 3]
    assert steps[1]["y"][2] == pytest.approx(np.sqrt(((third["forecast"] - third["actual"]) ** 2).mean()), rel=1e-5)
    assert "whole paths of 3 steps from 20 of 58 origins, each where the one before ends" in page.text


def test_several_steps_are_drawn_as_whole_paths(tmp_path):
    model = write_run(tmp_path, horizon=4, levels=(0.1, 0.9))
    tested, table = section(Page(rewrite_report(model)), "Actual, forecast"), read_fit(model).forecasts
    actual = table.drop_duplicates("date")
    np.testing.assert_allclose(line_of(tested, "actual")["y"], actual["actual"], rtol=1e-6)
    path = line_of(tested, "forecast")["y"]
    assert len(path) % 5 == 0
    assert np.isnan(path[4::5]).all()  # a gap after each path
    np.testing.assert_allclose(path[-5:-1], table["forecast"].iloc[-4:], rtol=1e-6)  # the last origin, every step
    np.testing.assert_allclose(path[-10:-6], table["forecast"].iloc[-4 * 5 : -4 * 4], rtol=1e-6)  # the one it follows
    shade = line_of(tested, "80 % interval")
    assert shade["fill"] == "toself"
    assert np.isnan(shade["y"]).sum() == len(path) / 5
    np.testing.assert_allclose(shade["y"][-9:-5], table["q0.9"].iloc[-4:], rtol=1e-6)
    np.testing.assert_allclose(shade["y"][-5:-1], table["q0.1"].iloc[:-5:-1], rtol=1e-6)


def test_without_its_data_the_rest_is_shown(tmp_path):
    model = write_run(tmp_path)
    (tmp_path / "prices.csv").write_text("Date,Close\n2020-01-01,1\n2020-01-02,2\n")  # other rows than in training
    page = Page(rewrite_report(model))
    assert "Prices and forecasts" not in page.words
    assert "Test part" in page.words
    (tmp_path / "prices.csv").unlink()
    assert "Test part" in Page(rewrite_report(model)).words


@pytest.mark.parametrize("options", [{"levels": (0.05, 0.1, 0.5, 0.9, 0.95)}, {"horizon": 3, "skill": 0.3}])
def test_a_fit_and_its_files_make_the_same_page(tmp_path, options):
    """The table of forecasts that a fit hands over holds dates and float32, its file texts and short decimals."""
    made = finished_fit(tmp_path, **options)
    read = read_fit(write_run(tmp_path, **options))
    pd.testing.assert_frame_equal(made.forecasts, read.forecasts, check_exact=True)
    assert (made.levels, made.metrics) == (read.levels, read.metrics)
    assert fit_report(made) == fit_report(read)


def test_a_column_named_like_a_quantile_is_none(tmp_path):
    """Levels come from the configuration."""
    fit = finished_fit(tmp_path)
    page = fit_report(replace(fit, forecasts=fit.forecasts.assign(**{"q0.1": 1.0, "q0.9": 2.0})))
    assert fit.levels == ()
    assert page == fit_report(fit)


def test_eighths_of_one_day_are_told_apart(tmp_path):
    fit = finished_fit(tmp_path)
    table = fit.forecasts.assign(date=pd.date_range("2021-01-04T09:30", periods=len(fit.forecasts), freq="min"))
    (tmp_path / "page.html").write_text(fit_report(replace(fit, forecasts=table)))
    starts = section(Page(tmp_path / "page.html"), "RMSE over")["data"][0]["x"]
    assert starts[:2] == ["2021-01-04T09:30:00", "2021-01-04T09:38:00"]
    assert len(set(starts)) == 8


def test_a_model_without_scores_has_no_report(tmp_path):
    fit = finished_fit(tmp_path)
    with pytest.raises(ValueError, match="must hold metrics"):
        replace(fit, manifest=fit.manifest.model_copy(update={"metrics": None}))


def test_rebuilt_it_is_the_same_file_and_needs_no_keras(model):
    before = rewrite_report(model).read_bytes()
    done = run_command("report", str(model))
    assert (done.code, done.out) == (0, f"{model.parent / 'acme' / 'report.html'}\n")
    assert "keras" not in done.loaded
    assert (model.parent / "acme" / "report.html").read_bytes() == before
    result = CliRunner().invoke(cli, ["report", str(model), "--json"])
    assert json.loads(result.stdout) == {"report": str(model.parent / "acme" / "report.html")}


def test_names_from_data_stay_text(tmp_path):
    page = Page(rewrite_report(write_run(tmp_path, name=HOSTILE, target="a<b>&amp;\"'")))
    assert [tag for tag, _ in page.elements].count("script") == 3
    assert not any(tag in ("img", "link", "iframe", "object", "a") for tag, _ in page.elements)
    assert not any(key in ("src", "href") or key.startswith("on") for _, pairs in page.elements for key in pairs)
    assert "</script><script>window.hacked = 1</script>" in page.text  # shown, as it stands
    assert "\\x1b[2J" in page.text
    assert "\x1b" not in page.text
    assert "a<b>&amp;\"'" in page.text


def test_the_browser_is_told_to_fetch_nothing(page):
    policies = [attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; ")
    assert "http" not in policies[0]


@pytest.mark.parametrize("value", ["</script>", "<!--", "a & b", HOSTILE, {"</script>": ["<b>"]}, [1.5, None, "é"]])
def test_embedded_json_holds_no_markup_and_reads_back_the_same(value):
    written = embedded(value)
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == value


def test_embedded_json_refuses_what_json_does_not_have():
    with pytest.raises(ValueError, match="JSON"):
        embedded([float("nan")])


def test_labels_of_charts_are_text_to_plotly():
    assert traces.label("<a href='javascript:x'>b</a>\x07") == "&lt;a href='javascript:x'&gt;b&lt;/a&gt;\\x07"
    assert html.unescape(text(HOSTILE)).isprintable()
    assert traces.stamps(["<b>", "2020-01-01"]) == ["&lt;b&gt;", "2020-01-01"]


def test_of_a_very_long_line_the_peaks_are_kept():
    values = np.sin(np.arange(100_000) / 700)
    values[[40_001, 70_003]] = 9, -9
    drawn = traces.line("x", np.arange(100_000), values, "--model")
    assert len(drawn["x"]) == len(drawn["y"]) <= traces.FULL
    assert (drawn["y"].max(), drawn["y"].min()) == (9, -9)
    np.testing.assert_array_equal(drawn["y"], values[drawn["x"]])
    assert (np.diff(drawn["x"]) > 0).all()
    assert drawn["meta"] == {"rows": 100_000}
    assert np.isnan(traces.line("x", [0, 1], [1.0, np.inf], "--model")["y"][1])


def test_of_long_paths_the_gaps_are_kept():
    values = np.where(np.arange(10_000) % 50 == 49, np.nan, 5 + np.arange(10_000) % 7)
    drawn = traces.line("x", np.arange(10_000), values, "--model", most=1_000)
    assert np.isnan(drawn["y"]).sum() == 200
    assert (np.nanmin(drawn["y"]), np.nanmax(drawn["y"])) == (5, 11)
    assert len(drawn["x"]) <= 1_200


@pytest.mark.parametrize(
    "values",
    [
        np.arange(5), np.array([3, -2, 40]), np.array([7]), np.empty(0, int), np.array([0, 2**40, 2**41]),
        np.array([0.1, np.nan, -1e30]), pd.bdate_range("1677-12-01", periods=9).to_numpy("datetime64[ms]"),
        pd.date_range("2020-01-01T00:00:00.123", periods=3, freq="7min").to_numpy("datetime64[ms]"),
    ],
)  # fmt: skip
def test_packed_arrays_come_back(values):
    figure = {"data": [{"x": values, "y": values, "name": "x"}], "layout": {"list": [1, None, "a"]}}
    written = json.loads(embedded(packed([figure])))
    assert len(written["arrays"]) == 1  # each array once
    back = unpacked(written)[0]
    assert back["layout"] == figure["layout"]
    expected = values.astype(np.int64) if values.dtype.kind == "M" else values
    np.testing.assert_allclose(back["data"][0]["x"], expected, rtol=1e-7)


def test_the_page_stays_small_whatever_it_shows(tmp_path):
    """A million rows, a test part of 150,000, all intervals."""
    fit = finished_fit(tmp_path, levels=(0.025, 0.1, 0.5, 0.9, 0.975))
    rows, random = 150_000, np.random.default_rng(0)
    noise = random.normal(size=(rows, len(fit.forecasts.columns) - 1))
    dates = np.datetime64("2000-01-01T00:00:00") + np.cumsum(random.integers(1, 99, 1_000_000)) * np.timedelta64(1, "m")
    table = pd.DataFrame(noise, columns=fit.forecasts.columns[1:]).assign(date=dates[-rows:])
    series = Series(random.normal(size=(1_000_000, 1)), pd.DatetimeIndex(dates), ("Close",), frequency="min")
    page = fit_report(replace(fit, forecasts=table, panel=Panel.of(series)))
    assert 500_000 < len(page.encode()) < 1_500_000


@pytest.mark.parametrize("file", ["metrics.json", "history.csv", "test_forecasts.csv"])
def test_a_file_that_is_missing_or_damaged_is_named(tmp_path, file):
    model = write_run(tmp_path)
    path = tmp_path / "acme" / file
    for content in (b"\xff\xfe{", b"", None):
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        with pytest.raises(InputError, match=f"{file}: .* Run `kerasforecast fit` again.$"):
            rewrite_report(model)


def test_a_forecast_of_an_earlier_fit_does_not_stay(tmp_path):
    fit = finished_fit(tmp_path)
    assert write_fit(fit, tmp_path)["forecast"] == tmp_path / "forecast.csv"
    assert "forecast" not in write_fit(replace(fit, ahead=None), tmp_path)
    assert not (tmp_path / "forecast.csv").exists()


def test_a_damaged_forecast_is_named_and_without_one_the_page_has_the_rest(tmp_path):
    model = write_run(tmp_path)
    (tmp_path / "acme" / "forecast.csv").write_text("date,forecast\n2021-01-01,soon\n")
    with pytest.raises(InputError, match=r"forecast\.csv: must hold numbers under date, forecast"):
        rewrite_report(model)
    (tmp_path / "acme" / "forecast.csv").unlink()
    assert "Test part" in Page(rewrite_report(model)).words


def test_every_chart_is_told_in_words(page):
    told = [attributes["aria-label"] for _, attributes in page.elements if attributes.get("class") == "chart"]
    assert all(len(label) > 40 for label in told), told
    assert "known from " in told[0]
    assert " at 2021-07-13, between " in told[0]
    tables = [attributes for _, attributes in page.elements if attributes.get("class") == "scroll"]
    assert all(attributes["tabindex"] == "0" and attributes["role"] == "region" for attributes in tables)


def test_plotly_is_the_script_that_was_released():
    """CONTRIBUTING.md says how it is renewed."""
    folder = files("kerasforecast.report")
    script = gzip.decompress((folder / "plotly-basic.min.js.gz").read_bytes())
    assert b"plotly.js (basic - minified) v4.1.1\n" in script[:200]
    assert hashlib.sha256(script).hexdigest() == "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
    assert "MIT" in (folder / "plotly-basic.LICENSE").read_text()


def test_columns_of_another_table_are_refused(tmp_path):
    model = write_run(tmp_path)
    (tmp_path / "acme" / "test_forecasts.csv").write_text("date,actual,forecast,naive\n2020-01-01,1,two,3\n")
    with pytest.raises(InputError, match="must hold numbers under date, actual, forecast, naive"):
        rewrite_report(model)


def test_quantiles_that_the_configuration_has_must_stand_in_the_table(tmp_path):
    model = write_run(tmp_path, levels=(0.1, 0.5, 0.9))
    path = tmp_path / "acme" / "test_forecasts.csv"
    pd.read_csv(path).drop(columns="q0.9").to_csv(path, index=False)
    with pytest.raises(InputError, match=r"must hold numbers under date, .*, q0\.1, q0\.5, q0\.9"):
        rewrite_report(model)


def test_scores_of_another_run_are_refused(tmp_path):
    model = write_run(tmp_path)
    metrics = tmp_path / "acme" / "metrics.json"
    metrics.write_text(metrics.read_text().replace("no better", "better"))
    with pytest.raises(ArtifactError, match="the scores of another fit"):
        rewrite_report(model)


def test_a_damaged_model_file_has_no_report(tmp_path):
    model = write_run(tmp_path)
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"acme\.keras: must be a whole \.keras file"):
        rewrite_report(model)
    model.unlink()
    with pytest.raises(ArtifactError, match=r"acme\.keras: no such model file"):
        rewrite_report(model)
