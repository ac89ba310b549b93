"""What is tried and how shares are chosen, without training anything."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from kerasforecast.artifact.selection import Beside, Selection, Tried
from kerasforecast.baselines.fitted import periods_of
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import DataError, OptionError
from kerasforecast.evaluation.context import seasons_of
from kerasforecast.models.families import registry
from kerasforecast.models.families.setting import Setting
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.report.members import board_cells, chosen_line
from kerasforecast.selection.bending import Bending
from kerasforecast.selection.budgets import Clock, budget_of
from kerasforecast.selection.candidates import candidates_of, setting_of
from kerasforecast.selection.judging import BLOCKS, judge_of, stretched
from kerasforecast.selection.weights import MOST, left_out, shares

LEVELS = (0.1, 0.5, 0.9)
SETTINGS = {
    "hourly": Setting(rows=14_000, horizon=24, periods=(24, 168), most=1_000),
    "monthly": Setting(rows=73, horizon=12, periods=(12,), most=24),
    "quarterly": Setting(rows=41, horizon=8, periods=(4,), most=13),
    "prices": Setting(rows=2_000, horizon=1, most=700),
    "below zero": Setting(rows=600, horizon=7, periods=(7,), most=200, positive=False),
    "many": Setting(rows=50, horizon=12, periods=(12,), most=38, several=True),
}


def panel_of(rows, period=12):
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(rows) / period) + np.random.default_rng(0).normal(size=rows)
    index = pd.date_range("2000-01-01", periods=rows, freq="D")
    return Panel.of(Series(values[:, None], index, ("y",), name="waves"))


def split_of(rows, horizon, window=12):
    panel = panel_of(rows)
    config = Config.from_options(model="auto", horizon=horizon, window=window)
    return panel, split_panel(panel, config.split, config.network, horizon)


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("budget", ["small", "medium", "large"])
def test_every_proposal_fits_the_data(kind, budget):
    setting = SETTINGS[kind]
    config = Config.from_options(model="auto", horizon=setting.horizon, budget=budget)
    found = candidates_of(config, setting, budget_of(config.network.options), windows=200)
    assert len({each.network.model for each in found}) >= 6
    assert len({each.network.model_dump_json() for each in found}) == len(found)
    for each in found:
        assert each.network.horizon == setting.horizon
        rule = each.network.family.solved and not each.network.family.trained
        assert each.network.window <= (max(setting.longest, setting.most) if rule else setting.most)
        assert setting.positive or not each.network.wants_logs or each.network.scaling == "anchor"


def test_what_draws_paths_is_tried_for_a_few_passes_beyond_its_solution_but_not_for_quantiles():
    for quantiles, names in (((), {"diffusion"}), ((0.1, 0.5, 0.9), set())):
        config = Config.from_options(model="auto", horizon=24, quantiles=quantiles)
        found = candidates_of(config, SETTINGS["hourly"], budget_of(config.network.options), windows=10_000)
        drawing = [each for each in found if each.network.family.sampled]
        assert {each.network.model for each in drawing} == names
        assert all(1 < each.training.epochs < 10 for each in drawing)
        assert {each.training.epochs for each in found if each.network.model == "linear"} == {1}


def test_a_larger_budget_tries_more_for_longer():
    found = {}
    for budget in ("small", "medium", "large"):
        options = Config.from_options(model="auto", horizon=24, budget=budget).network.options
        config = Config.from_options(model="auto", horizon=24, budget=budget)
        candidates = candidates_of(config, SETTINGS["hourly"], budget_of(options), windows=10_000)
        found[budget] = len(candidates), budget_of(options).rounds[-1]
    assert found["small"] < found["medium"] < found["large"]
    assert found["small"][1] < found["medium"][1] < found["large"][1]


@pytest.mark.parametrize(
    ("periods", "horizon", "readout"),
    [((24, 168), 24, "rows"), ((24, 168), 100, "last"), ((12,), 12, "last"), ((), 4, "last")],
)
def test_an_lstm_is_read_row_by_row_where_each_state_has_seen_a_horizon_of_a_season(periods, horizon, readout):
    setting = Setting(rows=5_000, horizon=horizon, periods=periods)
    config = Config.from_options(model="auto", horizon=horizon)
    found = candidates_of(config, setting, budget_of(config.network.options), windows=5_000)
    (lstm,) = (each for each in found if each.network.model == "lstm")
    assert (lstm.network.options.readout, lstm.network.scaling) == (
        readout,
        "level" if readout == "rows" else "anchor",
    )


@pytest.mark.parametrize("transform", ["none", "log"])
def test_what_is_settled_of_values_holds_for_all_that_see_levels(transform):
    setting = replace(SETTINGS["hourly"], transform=transform)
    config = Config.from_options(model="auto", horizon=24)
    budget = budget_of(config.network.options)
    found = [each.network for each in candidates_of(config, setting, budget, windows=200)]
    levels = [each for each in found if each.scaling == "level" and not each.family.alone]
    assert len(levels) >= 6
    assert {each.target_transform for each in levels} == {transform}
    assert any(each.scaling != "level" for each in found)
    kept = Config.from_options(model="auto", horizon=24, target_transform="sqrt")
    own = [each.network for each in candidates_of(kept, setting, budget, windows=200)]
    assert {each.target_transform for each in own if each.scaling == "level"} == {"sqrt"}


@pytest.mark.parametrize(
    ("plain", "bent", "settled"), [(1.0, 0.9, "asinh"), (0.9, 1.0, None), (1.0, 0.97, None), (np.nan, np.nan, None)]
)
def test_values_are_bent_where_that_is_clearly_better_over_training(plain, bent, settled):
    found = Bending(plain, bent, "asinh")
    assert found.settled == settled
    assert found.words.startswith("Values are taken by asinh: linear maps err by 0.9") == (settled == "asinh")


def test_what_a_user_fixed_holds_for_all_that_have_it():
    config = Config.from_options(model="auto", horizon=24, window=96, units="16", learning_rate=0.01)
    found = candidates_of(config, SETTINGS["hourly"], budget_of(config.network.options), windows=10_000)
    assert {each.network.window for each in found} == {96}
    assert {each.training.learning_rate for each in found} == {0.01}
    having = [each.network.options.units for each in found if hasattr(each.network.options, "units")]
    assert len(having) > 3
    assert set(having) == {16}
    again = Config.model_validate(config.model_dump(mode="json"))
    assert again == config
    assert again.changed(seed=7).network == config.network


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": -3}, "units: .* Received: -3"),
        ({"budget": "huge"}, "budget"),
        ({"time": "soon"}, "time"),
        ({"colour": 1}, "known by name"),
    ],
)
def test_what_no_network_can_have_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Config.from_options(model="auto", **options)


def test_other_models_have_no_budget():
    with pytest.raises(OptionError, match="only auto has it"):
        Config.from_options(model="nhits", budget="small")


def test_a_choice_is_no_network():
    assert "auto" in registry.models()
    assert "auto" not in registry.names()


def test_time_is_read_in_seconds_minutes_and_hours():
    found = [Config.from_options(model="auto", time=each).network.options.seconds for each in ("90s", "5m", "1.5h")]
    assert found == [90, 300, 5_400]
    with pytest.raises(OptionError, match=r"time: must be a number of .* 5m or 1h\. Received: '5'"):
        Config.from_options(model="auto", time="5")
    assert Clock(0.0).over()
    assert not Clock(60.0).over()
    assert Clock(60.0).over(ahead=60.0)  # what is yet to be done counts
    assert not Clock(None).over(ahead=1e9)


def test_a_window_that_leaves_too_little_to_learn_from_is_not_proposed():
    panel, split = split_of(144, 12, window=2)
    config = Config.from_options(model="auto", horizon=12)
    setting = setting_of(config, panel, split, (12,))
    assert setting.rows == 100
    assert setting.most == 33
    assert setting.window(3) == 33


def test_windows_that_stop_a_training_choose_nothing():
    panel, split = split_of(1_000, 6)
    judge = judge_of(split, panel, LEVELS, 12, honest=True)
    assert judge.apart
    assert judge.count == BLOCKS
    rows = [
        {row for origin in origins for row in range(origin + 1, origin + 7)}
        for origins in (judge.stops, judge.windows.origins)
    ]
    assert not rows[0] & rows[1]  # not one target in common
    assert len(rows[0]) > 40
    assert len(rows[1]) > 40
    start, stop = split.edges[0, 1:3]
    assert all(start <= row < stop for each in rows for row in each)


def test_where_validation_is_short_a_longer_stretch_of_training_chooses():
    panel, split = split_of(144, 12)
    longer = stretched(split, 12)
    assert longer.edges[0, 2] == split.edges[0, 2]  # up to the test part
    assert longer.rows_in("validation")[0] > 2 * split.rows_in("validation")[0]
    judge = judge_of(longer, panel, LEVELS, 12, honest=False)
    assert not judge.apart
    assert judge.windows.origins.max() + 12 < split.edges[0, 2]
    assert stretched(split_of(2_000, 12)[1], 12) is None


def of_values(values):
    index = pd.date_range("2020-01-01", periods=len(values), freq="D")
    panel = Panel.of(Series(np.asarray(values, float)[:, None], index, ("y",), name="a"))
    config = Config.from_options(model="auto", horizon=7, window=14)
    return panel, split_panel(panel, config.split, config.network, 7)


def test_seasons_that_repeat_exactly_are_judged_in_naive_errors():
    panel, split = of_values(1 + np.arange(200) % 7)
    judge = judge_of(split, panel, LEVELS, 7, honest=True)
    np.testing.assert_allclose(judge.scales, np.abs(np.diff(panel.values[: split.edges[0, 1], 0])).mean())


def test_training_rows_that_are_all_alike_are_refused():
    panel, split = of_values([5.0] * 180 + [5.0, 6.0] * 10)
    with pytest.raises(DataError, match="needs rows of training that move"):
        judge_of(split, panel, LEVELS, 7, honest=True)


def judged(errors, families=None):
    panel, split = split_of(1_000, 6)
    judge = judge_of(split, panel, LEVELS, 12, honest=True)
    random = np.random.default_rng(1)
    own = [scale * random.normal(size=judge.actual.shape) + bias for scale, bias in errors]
    return shares(judge, np.stack(own), families or ["one"] * len(own))


def test_equally_good_and_independent_networks_share():
    found = judged([(1, 0)] * 4)
    assert found.sum() == pytest.approx(1)
    assert (found > 0.15).all()


def test_a_useless_network_has_no_share():
    assert judged([(1, 0), (1, 0), (20, 5)])[2] == 0


def test_the_best_of_each_family_has_a_share_where_picks_alone_would_leave_it_out():
    errors = [(0.1, 1), (0.1, 1.1), (0.1, 1.2), (0.1, 1)]
    assert judged(errors)[1] < 0.1
    kinds = judged(errors, ["linear", "tide", "tide", "linear"])
    assert kinds[1] > 0.1 > kinds[2]


def test_a_family_far_behind_has_no_part_in_what_picks_begin_with():
    assert judged([(1, 0), (1, 0), (20, 5)], ["linear", "tide", "rnn"])[2] == 0


def test_errors_that_cancel_are_both_wanted():
    found = judged([(0.1, 2), (0.1, -2), (1, 0)])
    assert found[0] == pytest.approx(found[1], abs=0.1)


def test_no_more_networks_than_a_file_may_hold():
    assert (judged([(1, 0)] * 30) > 0).sum() <= MOST


def of_rows(judge, random, count):
    """Errors of `count` networks: what a row has in common, and as much that is each one's own."""
    origins, steps = judge.windows.origins, judge.actual.shape[1]
    rows = origins[:, None] + 1 + np.arange(steps)  # windows that overlap miss the same row alike
    shared = random.normal(size=rows.max() + 1)
    own = random.normal(size=(count, rows.max() + 1))
    return np.stack([(shared + each)[rows] for each in own]), shared[rows]


@pytest.mark.parametrize(("rows", "horizon"), [(144, 12), (1_000, 6)])
def test_many_networks_of_chance_do_not_beat_one_that_is_good(rows, horizon):
    panel, split = split_of(rows, horizon)
    longer = stretched(split, horizon)
    judge = judge_of(longer or split, panel, LEVELS, 12, honest=longer is None)
    found, families = [], ["one", "two"] * 20
    for seed in range(6):
        random = np.random.default_rng(seed)
        errors, shared = of_rows(judge, random, 40)
        chosen = shares(judge, errors, families)
        later, _ = of_rows(judge, random, 40)  # of the same networks, on rows that chose nothing
        seen, real = (judge.worth(np.tensordot(chosen, each, axes=1)).loss for each in (errors, later))
        told = left_out(judge, errors, partial(shares, families=families)).loss
        found.append((seen, told, judge.worth(shared).loss, real))
    seen, judged, rival, real = np.mean(found, axis=0)
    assert seen < 0.9 * rival  # so chance looks on the windows that chose
    assert judged > 1.02 * rival
    assert judged == pytest.approx(real, rel=0.1)


def test_networks_that_are_good_stay_so_where_others_chose():
    panel, split = split_of(1_000, 6)
    judge = judge_of(split, panel, LEVELS, 12, honest=True)
    errors, shared = of_rows(judge, np.random.default_rng(0), 6)
    errors = errors - shared  # what is each one's own: their mean is good
    assert left_out(judge, errors, partial(shares, families=["one"] * 6)).loss < 0.6 * judge.worth(shared).loss


@pytest.mark.parametrize(("rows", "horizon"), [(144, 12), (1_000, 6)])
def test_a_block_is_judged_by_windows_that_share_no_row_with_it(rows, horizon):
    panel, split = split_of(rows, horizon)
    judge = judge_of(stretched(split, horizon) or split, panel, LEVELS, 12, honest=rows > 144)
    parted = list(judge.parted())
    assert len(parted) == judge.count > 1
    assert (np.sum([own for own, _ in parted], axis=0) == 1).all()
    for own, others in parted:
        assert others.any()
        origins = judge.windows.origins
        assert np.abs(origins[own][:, None] - origins[others]).min() >= horizon
        assert np.ptp(np.flatnonzero(own)) == own.sum() - 1  # one after another in time


def test_where_no_window_is_clear_of_a_block_those_of_the_others_judge_it():
    panel, split = split_of(144, 12)
    judge = judge_of(stretched(split, 12), panel, LEVELS, 12, honest=False)
    few = judge.among(np.arange(len(judge.windows)) < 8)
    assert few.count == 1
    assert all((own == others).all() for own, others in few.parted())  # there are no others
    both = judge.among((np.arange(len(judge.windows)) > 5) & (np.arange(len(judge.windows)) < 14))
    assert both.count == 2
    assert all((own != others).all() for own, others in both.parted())


def test_scores_are_in_the_units_of_the_series_and_intervals_from_other_blocks():
    panel, split = split_of(1_000, 6)
    judge = judge_of(split, panel, LEVELS, 12, honest=True)
    naive = judge.worth(judge.errors(np.repeat(judge.windows.last()[:, None], 6, axis=1)))
    perfect = judge.worth(judge.errors(judge.actual))
    assert perfect.loss == 0
    assert naive.mase > 1
    biased = np.zeros(judge.actual.shape)
    biased[judge.blocks == 0] = 3.0  # its own errors would make intervals that hold them
    assert judge.worth(biased).crps > 0.5


def test_a_table_with_a_season_suggests_the_choice(tmp_path, capsys):
    from kerasforecast_cli.main import cli

    index = pd.date_range("2000-01-01", periods=200, freq="D")
    for name, values in (("week", np.tile(np.arange(7.0), 29)[:200]), ("walk", np.arange(200.0))):
        noise = np.random.default_rng(0).normal(0, 0.1, 200)
        pd.DataFrame({"Date": index, "y": 20 + values + noise}).to_csv(tmp_path / f"{name}.csv", index=False)
        cli(["data", "check", str(tmp_path / f"{name}.csv"), "--target", "y"], standalone_mode=False)
        assert ("fit it with --model auto --horizon 7" in capsys.readouterr().out) == (name == "week")


@pytest.mark.parametrize(
    ("crps", "beaten", "words"), [(0.3, True, "baseline theta is better"), (0.6, False, "Beside it there, baseline")]
)
def test_a_model_of_no_network_that_is_better_is_named(crps, beaten, words):
    tried = Tried(model="linear", words="linear map", window=24, scaling="level", steps=0, mase=0.6, crps=0.4)
    others = (Beside(name="theta", mase=0.6, crps=crps), Beside(name="auto_ets", mase=0.9, crps=0.9))
    scores = {"mase": 0.6, "crps": 0.4, "windows": 80, "blocks": 4, "steps": 0, "seconds": 1.0}
    found = Selection(tried=(tried,), **scores, text="One network alone was the best.", beside=others)
    assert found.beaten == beaten
    assert words in chosen_line(found)
    assert f"CRPS {crps:.3f}" in chosen_line(found)
    assert "80 windows of validation in 4 blocks, each judged by shares chosen on the others" in chosen_line(found)
    short = found.model_copy(update={"windows": 1, "blocks": 1, "longer": True})
    assert "Chosen on 1 window of validation and the end of training in 1 block: MASE" in chosen_line(short)
    assert [row[:3] for row in board_cells(found)[2]] == [["theta", "-", "baseline"], ["auto_ets", "-", "baseline"]]
    alone = found.model_copy(update={"beside": ()})
    assert not alone.beaten
    assert words not in chosen_line(alone)


def test_windows_hold_the_week_of_hours_though_only_the_day_stands_out():
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(2_400) / 24) + np.random.default_rng(0).normal(size=2_400)
    panel = Panel.of(Series(values[:, None], pd.date_range("2020-01-01", periods=2_400, freq="h"), ("y",), "h"))
    config = Config.from_options(model="auto", horizon=24)
    split = split_panel(panel, config.split, config.network.model_copy(update={"window": 2}))
    assert periods_of(None, panel, split) == (24,)
    setting = setting_of(config, panel, split, tuple(seasons_of(config, panel, split)))
    assert setting.window(2) == 336
    assert 336 in [
        each.network.window for each in candidates_of(config, setting, budget_of(config.network.options), 900)
    ]
