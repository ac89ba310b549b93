"""The report as a file: what it says, where its numbers come from, and that data stays data."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

from kerasforecast.errors import ArtifactError, InputError
from kerasforecast.report import figures, fit_report, read_fit, rewrite_report
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
        self.figures = json.loads(self.scripts[0])
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


def traces(page):
    return {trace["name"] for figure in page.figures for trace in figure["data"]}


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
        "Scores", "Prices and forecasts", "Test part", "Lead over naive", "Error over time", "Loss curves", "Errors",
        "Autocorrelation of errors", "Split", "Configuration and provenance",
    ):  # fmt: skip
        assert heading in page.words
    assert {"actual", "forecast", "naive", "training", "validation", "learning rate", "best epoch"} <= traces(page)
    assert "Good: both fell; keep it. Epoch 8 of 8 was kept." in page.text
    assert "learning rate" in page.text  # an option, as any other
    assert sum(attributes.get("class") == "chart" for _, attributes in page.elements) == len(page.figures) == 7


def test_the_lines_are_the_run_s_own_numbers(model, page):
    fit = read_fit(model)
    series, tested = page.figures[0]["data"], page.figures[1]["data"]
    np.testing.assert_allclose(series[0]["y"], fit.series.values[:, 0], rtol=1e-6)
    assert series[0]["x"][-1] == "2021-07-13"
    for trace, column in zip(tested, ("actual", "forecast", "naive"), strict=True):
        np.testing.assert_allclose(trace["y"], fit.forecasts[column], rtol=1e-6)
    squares = [((fit.forecasts[name] - fit.forecasts["actual"]) ** 2).sum() for name in ("naive", "forecast")]
    assert page.figures[2]["data"][0]["y"][-1] == pytest.approx(squares[0] - squares[1], rel=1e-5)


def test_intervals_are_drawn_and_their_calibration_with_them(tmp_path):
    model = write_run(tmp_path, levels=(0.05, 0.1, 0.5, 0.9, 0.95))
    page = Page(rewrite_report(model))
    assert {"90% interval", "80% interval"} <= traces(page)
    assert "Calibration of the prediction intervals" in page.words
    observed = next(figure for figure in page.figures if figure["data"][0]["name"] == "ideal")["data"][1]
    assert observed["x"] == [0.05, 0.1, 0.5, 0.9, 0.95]
    table = read_fit(model).forecasts
    assert observed["y"][1] == pytest.approx((table["actual"] <= table["q0.1"]).mean(), abs=1e-6)


def test_several_steps_have_an_error_each(tmp_path):
    model = write_run(tmp_path, horizon=3)
    page = Page(rewrite_report(model))
    table = read_fit(model).forecasts
    steps = next(figure for figure in page.figures if "steps ahead" in json.dumps(figure["layout"]))["data"]
    third = table[table["step"] == 3]
    assert [trace["name"] for trace in steps] == ["model", "naive"]
    assert steps[0]["x"] == [1, 2, 3]
    assert steps[0]["y"][2] == pytest.approx(np.sqrt(((third["forecast"] - third["actual"]) ** 2).mean()), rel=1e-5)
    assert "the first step ahead of each origin" in page.text


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
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', fit_report(replace(fit, forecasts=table)))[1])
    names = next(figure["data"][0]["x"] for figure in figures if figure["layout"].get("barmode") == "group")
    assert names[:2] == ["2021-01-04T09:30:00", "2021-01-04T09:38:00"]
    assert len(set(names)) == 8


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
    assert figures.label("<a href='javascript:x'>b</a>\x07") == "&lt;a href='javascript:x'&gt;b&lt;/a&gt;\\x07"
    assert html.unescape(text(HOSTILE)).isprintable()


def test_long_lines_are_thinned():
    drawn = figures.line("x", np.arange(100_000), np.arange(100_000.0), "--model")
    assert len(drawn["x"]) == len(drawn["y"]) <= figures.MOST_POINTS
    assert drawn["y"][:2] == [0.0, 34.0]
    assert figures.line("x", [0, 1], [1.0, np.nan], "--model")["y"] == [1.0, None]


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
