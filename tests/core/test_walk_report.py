"""The reports of a backtest and a comparison, rebuilt from the files those leave."""

import json

import pandas as pd
import pytest

from kerasforecast.config import Config
from kerasforecast.errors import ArtifactError
from kerasforecast.evaluation.tables import as_written
from kerasforecast.evaluation.walk_files import read_walk
from kerasforecast.report import rewrite_report, walk_report
from tests.core.helpers import run_command
from tests.core.test_report import HOSTILE, Page
from tests.core.written_walk import made_backtest, made_compare, write_backtest, write_compare


def test_a_backtest_says_first_what_it_found(tmp_path):
    path = write_backtest(tmp_path)
    record, _ = read_walk(path)
    page = Page(rewrite_report(path))
    judgement = record.judgement("lstm")
    assert judgement.sentence in page.text
    for verdict in (record.verdicts["lstm"], record.interval_verdicts["lstm"]):
        assert f"{verdict[1:]}." in page.text
    assert "30 forecasts in 4 folds, trained anew for each fold" in page.text
    for heading in (
        "Leaderboard",
        "Folds",
        "The walk",
        "Lead over naive",
        "Forecasts",
        "Calibration of the prediction intervals",
    ):
        assert heading in page.words
    for row in record.rows:
        assert row.fold != "all" or f"{row.rmse:,.4f}" in page.text
        assert row.fold != "all" or f"{row.crps:,.4f}" in page.text
        assert row.fold != "all" or f"{row.coverage['0.8']:.1%}" in page.text
    assert {"95 % interval", "80 % interval"} <= {trace["name"] for figure in page.figures for trace in figure["data"]}
    bars = page.figures[0]["data"]
    assert [bar["name"] for bar in bars] == ["lstm"]
    ratios = [row.relative_rmse for row in record.rows if row.model == "lstm" and row.fold != "all"]
    assert [bars[0]["base"] + height for height in bars[0]["y"]] == pytest.approx(ratios, rel=1e-6)
    assert sum(attributes.get("class") == "timeline slim" for _, attributes in page.elements) == 4


def test_several_steps_have_an_error_each_here_too(tmp_path):
    path = write_backtest(tmp_path, config=Config.from_options(window=5, horizon=3))
    page = Page(rewrite_report(path))
    total = next(row for row in read_walk(path)[0].over_all() if row["model"] == "lstm")
    assert "Error by steps ahead" in page.words
    drawn = page.figures[-1]["data"][1]
    assert drawn["name"] == "model"
    assert drawn["x"].tolist() == [1, 2, 3]
    assert drawn["y"] == pytest.approx([step["rmse"] for step in total["steps"]], rel=1e-6)


def test_a_comparison_names_the_best_model_first(tmp_path):
    page = Page(rewrite_report(write_compare(tmp_path)))
    assert "Best model: acme. Worth using: its errors are 50.0 % smaller" in page.text
    assert "Better than naive by 50.0 % (p < 0.001). Prediction intervals, by CRPS: better than " in page.text
    assert "2 models and every baseline on the same 30 origins" in page.text
    assert "its scores flatter it." in page.text
    assert {trace["name"] for trace in page.figures[1]["data"]} == {"acme", "other"}


def test_names_stay_text_here_too(tmp_path):
    for path in (write_backtest(tmp_path, HOSTILE), write_compare(tmp_path, HOSTILE)):
        page = Page(rewrite_report(path))
        assert [tag for tag, _ in page.elements].count("script") == 3
        assert "img" not in {tag for tag, _ in page.elements}
        assert "</script><script>window.hacked = 1</script>" in page.text


@pytest.mark.parametrize(("made", "write"), [(made_backtest, write_backtest), (made_compare, write_compare)])
def test_a_walk_and_its_files_make_the_same_page(tmp_path, made, write):
    record, table = read_walk(write(tmp_path))
    other, own = made()
    assert record == other.model_copy(update={"created": record.created, "rows": record.rows})
    timed = {"predict_ms", "fit_seconds"}
    assert [row.model_dump(exclude=timed) for row in record.rows] == [
        row.model_dump(exclude=timed) for row in other.rows
    ]
    pd.testing.assert_frame_equal(table, as_written(own), check_exact=True)
    assert walk_report(record, table) == walk_report(record, own)


def test_a_record_says_what_was_walked(tmp_path):
    record, _ = made_backtest(folds=3)
    folds = record.folds
    assert [fold.fold for fold in folds] == [1, 2, 3]
    assert [fold.start for fold in folds] == ["2020-08-26", "2020-09-09", "2020-09-23"]
    assert [fold.end for fold in folds] == ["2020-09-08", "2020-09-22", "2020-10-06"]
    assert [(fold.skipped, fold.train, fold.validation, fold.gap, fold.test) for fold in folds] == [
        (0, 140, 30, 0, 10),
        (0, 150, 30, 0, 10),
        (0, 160, 30, 0, 10),
    ]
    assert record.data == "frame: 200 rows, 2020-01-01 to 2020-10-06"
    assert (record.kind, record.name, record.target, record.models) == ("backtest", "acme", "Close", ["lstm"])
    assert (record.backend, record.device) == ("jax", "cpu")
    assert record.levels == record.config.levels


def test_a_comparison_has_no_columns_of_quantiles(tmp_path):
    """Whatever its models are called."""
    record, table = made_compare("q0.9")
    assert record.levels == ()
    assert "q0.9" in table
    assert "interval" not in {
        trace["name"] for trace in Page(rewrite_report(write_compare(tmp_path, "q0.9"))).figures[2]["data"]
    }


def test_report_rebuilds_either_and_needs_no_keras(tmp_path):
    for path in (write_backtest(tmp_path), write_compare(tmp_path)):
        before = rewrite_report(path).read_bytes()
        done = run_command("report", str(path))
        assert (done.code, done.out) == (0, f"{path.with_suffix('.html')}\n")
        assert "keras" not in done.loaded
        assert path.with_suffix(".html").read_bytes() == before


@pytest.mark.parametrize(
    "change", [{"kind": "other"}, {"rows": [{"rmse": []}]}, {"unheard_of": 1}, {"verdicts": {"lstm": "x" * 2000}}]
)
def test_a_record_against_the_schema_is_refused(tmp_path, change):
    path = write_backtest(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ArtifactError, match=f"backtest.json: must be what .*; {next(iter(change))}"):
        read_walk(path)


def test_a_verdict_on_a_model_without_scores_is_refused(tmp_path):
    path = write_backtest(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"verdicts": {"unheard of": "better than naive"}}))
    with pytest.raises(ArtifactError, match="each model of the verdicts needs a row of fold 'all'"):
        read_walk(path)


def test_a_record_without_its_table_is_refused(tmp_path):
    path = write_backtest(tmp_path)
    table = path.with_suffix(".csv")
    table.write_text("date,actual\n2020-01-01,1\n")
    with pytest.raises(ArtifactError, match="must stand with its table of forecasts"):
        read_walk(path)
    table.unlink()
    with pytest.raises(ArtifactError, match="No such file"):
        read_walk(path)
    path.write_text("not json")
    with pytest.raises(ArtifactError, match="must be what"):
        read_walk(path)
