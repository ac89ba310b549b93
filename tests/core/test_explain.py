"""Explanations without a network: what stands in for one is a function whose gradient is known."""

import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from kerasforecast.data.panel import Panel
from kerasforecast.errors import DataError, OptionError
from kerasforecast.explain import cells, drawings
from kerasforecast.explain.attention import Attention
from kerasforecast.explain.explanation import Explanation
from kerasforecast.explain.findings import percent
from kerasforecast.explain.inside import Inside, States
from kerasforecast.explain.memory import Fading, Memory, Recall
from kerasforecast.explain.origin import origin_of
from kerasforecast.explain.page import explanation_page
from kerasforecast.explain.reach import Reach
from kerasforecast.explain.whatif import what_if
from kerasforecast.explain.why import FLAT, lag_groups, why
from kerasforecast.forecasting.medians import medians, on_outputs
from kerasforecast.models.families.recurrent import Cell
from kerasforecast.models.member import Member, array_shapes
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.covariates import FittedCovariates, Standardised
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig
from tests.backend import reference_cells
from tests.core.test_report import HOSTILE
from tests.core.test_report_browser import BROWSER, DRIVER, show, wait_for_charts
from tests.core.test_report_browser import browser as browser  # a fixture
from tests.core.written_run import finished_fit

ROWS, WINDOW, HORIZON = 60, 8, 3


@dataclass
class StandIn:
    """Forecasts by `answer(past, known)` `(B, H)` of slopes `slope(past, known)`, both known."""

    answer: object
    slope: object
    member: Member
    horizon: int = HORIZON
    levels: tuple = ()
    paths: int = 0

    @property
    def members(self):
        return (self.member,)

    @property
    def window(self):
        return self.member.network.window

    def checked(self, batch):
        return batch.float32()

    def check(self, panel, rows=None):
        pass

    def predict(self, batch):
        return self.answer(batch.past.astype(float), batch.known).astype(np.float32)

    def gradients(self, batch, weights):
        past, known = self.slope(batch.past.astype(float), batch.known)  # (B, H, L, F), (B, H, L + H, K)
        own = np.einsum("bh,bhlf->blf", weights, past)
        return WindowBatch(own, None if known is None else np.einsum("bh,bhlf->blf", weights, known))


def member(scaling="level", known=0):
    transforms = ("log",) if scaling == "anchor" else ("linear",)
    fitted = FittedScaling(kind="none", transforms=transforms, offset=(0.0,), scale=(1.0,))
    covariates = FittedCovariates(known=(Standardised(offset=0.0, scale=1.0),) * known)
    network = NetworkConfig(window=WINDOW, horizon=HORIZON, units=3, layers=1)
    return Member(network=network, scaling=fitted, covariates=covariates)


def panel(known=0, hours=False, ahead=0):
    random = np.random.default_rng(3)
    values = np.column_stack([50 + np.cumsum(random.normal(size=ROWS)), *random.normal(size=(known, ROWS))])
    values[ROWS - ahead :, 0] = np.nan
    index = pd.date_range("2024-01-01", periods=ROWS, freq="h" if hours else "D")
    columns = ("y", *(f"k{place}" for place in range(known)))
    roles = ("target", *("known",) * known)
    return Panel(
        values=values, index=index, starts=np.array([0, ROWS]), ids=np.array(["a"]), columns=columns, roles=roles,
        observed=np.array([ROWS - ahead]), frequency="h" if hours else "D",
    )  # fmt: skip


def linear(lag, share, scaling="none"):
    """The last value, and a `share` of how far the row `lag` lies from it, at every step."""

    def answer(past, known):
        last = past[:, -1:, 0]
        return np.repeat(last + share * (past[:, -lag, None, 0] - last), HORIZON, axis=1)

    def slope(past, known):
        slopes = np.zeros((len(past), HORIZON, *past.shape[1:]))
        slopes[:, :, -1] = 1 - share
        slopes[:, :, -lag] += share
        return slopes, None

    return StandIn(answer, slope, member(scaling))


def bent():
    """Kinks, and a bend so close to the flat window that an even rule of integration would miss it."""

    def inner(past):
        away = past[:, :, 0] - past[:, -1:, 0]
        return away, np.abs(away).sum(axis=1, keepdims=True), np.arange(1, HORIZON + 1)

    def answer(past, known):
        away, size, steps = inner(past)
        return past[:, -1:, 0] + np.tanh(40 * size) * steps + np.maximum(away[:, 2:3] + 1, 0) * steps

    def slope(past, known):
        away, size, steps = inner(past)
        by_away = 40 / np.cosh(np.minimum(40 * size, 300)) ** 2 * np.sign(away)  # (B, L)
        by_away[:, 2] += (away[:, 2] > -1) * 1.0
        slopes = by_away[:, None, :] * steps[:, None]  # (B, H, L)
        slopes[:, :, -1] = 1 - slopes[:, :, :-1].sum(axis=2)
        return slopes[..., None], None

    return StandIn(answer, slope, member("none"))


def test_the_parts_sum_to_the_difference_whatever_the_bends():
    stand_in, origin = bent(), origin_of(panel(), bent(), WINDOW)
    found = why(stand_in, origin, None)
    assert found.share <= 0.01
    total = sum(found.parts.values()) + found.residual
    np.testing.assert_allclose(total, found.forecast - origin.naive, atol=1e-9)
    np.testing.assert_allclose(found.lags.sum(axis=1), sum(found.groups.values()), atol=1e-9)
    assert np.abs(found.difference).min() > 0.5  # there is something to split


def test_a_row_of_a_level_gets_what_it_adds_and_no_other_does():
    origin = origin_of(panel(), linear(3, 0.4), WINDOW)
    found = why(linear(3, 0.4), origin, None)
    window = origin.batch.past[0, :, 0]
    np.testing.assert_allclose(found.groups["rows 3 to 4 back"], 0.4 * (window[-3] - window[-1]), rtol=1e-4)
    others = [part for name, part in found.parts.items() if name != "rows 3 to 4 back"]
    np.testing.assert_allclose(others, 0, atol=1e-5)
    assert not found.moves


def test_a_network_that_sees_changes_is_told_by_moves():
    origin = origin_of(panel(), linear(2, -0.5), WINDOW)  # half of the last move goes on
    found = why(linear(2, -0.5, "anchor"), origin, None)
    window = origin.batch.past[0, :, 0]
    np.testing.assert_allclose(found.groups["the last move"], 0.5 * (window[-1] - window[-2]), rtol=1e-4)
    assert found.moves
    np.testing.assert_allclose(found.parts[FLAT], 0, atol=1e-5)


def test_a_network_that_leaps_from_the_flat_window_where_it_has_no_gradient_is_told_all_the_same():
    level = linear(3, 0.4)

    def answer(past, known):
        return level.answer(past, known) + 5.0 * (np.ptp(past, axis=1) > 0)

    def slope(past, known):
        slopes, _ = level.slope(past, known)
        slopes[np.ptp(past[..., 0], axis=1) == 0] = np.nan  # 0 / 0, as of a spread
        return slopes, None

    leaping = StandIn(answer, slope, member("none"))
    found = why(leaping, origin_of(panel(), leaping, WINDOW), None)
    window = found.forecast - 5.0
    np.testing.assert_allclose(found.lags.sum(axis=1) + found.flat, window - found.naive, atol=1e-3)
    np.testing.assert_allclose(found.residual, 5.0, atol=1e-3)


@pytest.mark.parametrize("paths", [5, 6])
def test_a_median_of_paths_moves_as_those_in_the_middle_do(paths):
    random = np.random.default_rng(0)
    drawn, moves, weights = (random.normal(size=shape) for shape in ((3, paths, 2), (3, paths, 2), (3, 2)))
    step = 1e-7
    ends = [medians(drawn + sign * step * moves, (), paths) for sign in (1, -1)]
    expected = ((ends[0] - ends[1]) / (2 * step) * weights).sum(axis=1)
    found = (on_outputs(weights.astype(np.float32), (), drawn) * moves).sum(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("window", [2, 3, 7, 60, 64])
def test_groups_of_lags_hold_each_lag_once(window):
    lags = [lag for first, last in lag_groups(window) for lag in range(first, last + 1)]
    assert lags == list(range(1, window + 1))


def test_the_origin_is_the_last_row_at_or_before_the_date():
    stand_in = linear(2, 0.5)
    assert origin_of(panel(), stand_in, WINDOW).date == "2024-02-29"
    assert origin_of(panel(), stand_in, WINDOW, "2024-02-01").dates == ["2024-02-02", "2024-02-03", "2024-02-04"]
    assert origin_of(panel(hours=True), stand_in, WINDOW, "2024-01-02").date == "2024-01-02T23:00:00"
    assert origin_of(panel(hours=True), stand_in, WINDOW, "2024-01-02T05:30").date == "2024-01-02T05:00:00"
    happened = origin_of(panel(), stand_in, WINDOW, "2024-02-28").actual
    assert np.isfinite(happened).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("at", "error", "said"),
    [
        ("yesterday or so", OptionError, "--at must be a date such as 2024-02-29"),
        ("2024-02-01T00:00+01:00", OptionError, "without a time zone"),
        ("2023-12-31", OptionError, "begins at 2024-01-01"),
        ("2024-01-03", DataError, "a forecast needs a window of 8 rows. Received: 3 up to 2024-01-03"),
        (object(), OptionError, "--at must be a date"),
    ],
)
def test_what_is_no_origin_is_refused(at, error, said):
    with pytest.raises(error, match=re.escape(said)):
        origin_of(panel(), linear(2, 0.5), WINDOW, at)


def test_of_several_series_the_first_is_explained_and_that_is_said():
    both = Panel.joined([panel()[0], panel()[0]], ["north", "south"])
    origin = origin_of(both, linear(2, 0.5), WINDOW)
    assert origin.panel.ids.tolist() == ["north"]
    assert origin.note == "Explained: north, the first of 2 series; --series names another."


def test_rows_that_nobody_knows_are_asked_for():
    with pytest.raises(DataError, match="--at of 2024-02-26 or earlier"):
        origin_of(panel(known=1), linear(2, 0.5), WINDOW)


def test_what_if_moves_the_rows_ahead_alone():
    def answer(past, known):
        before = 100 * known[:, :WINDOW].sum(axis=(1, 2))[:, None]
        return past[:, -1:, 0] + known[:, WINDOW:, 0] * 2 + known[:, WINDOW:, 1] + before

    stand_in = StandIn(answer, None, member(known=2))
    data = panel(known=2)
    data = replace(data, values=np.column_stack([data.values[:, :2], data.values[:, 2] > 0]))
    origin = origin_of(data, stand_in, WINDOW, "2024-02-01")
    found = what_if(stand_in, origin)
    shift, switch = found.sliders
    assert (found.together, switch.labels, switch.sets) == (True, ("as known", "0", "1"), True)
    as_known = found.forecasts[shift.start, switch.start]
    np.testing.assert_allclose(as_known, stand_in.predict(origin.batch)[0])
    np.testing.assert_allclose(found.forecasts[0, 0] - as_known, 2 * shift.values[0], rtol=1e-3)
    np.testing.assert_allclose(found.forecasts[shift.start, 2] - found.forecasts[shift.start, 1], 1, rtol=1e-3)
    assert shift.values[0] < 0 < shift.values[-1]


CELLS = {
    "lstm": (Cell("LSTM", gates=4), reference_cells.lstm, "fiogch"),
    "gru": (Cell("GRU", gates=3, biases=2, states=("h",)), reference_cells.gru_reset_after, "zrgh"),
    "rnn": (Cell("SimpleRNN", gates=1, states=("h",)), reference_cells.simple_rnn, "h"),
    "peephole": (Cell("PeepholeLSTM", gates=4, peepholes=3), reference_cells.peephole, "fiogch"),
    "coupled": (Cell("CoupledLSTM", gates=3), reference_cells.coupled, "fiogch"),
}


@pytest.mark.parametrize("name", CELLS)
def test_every_gate_is_the_reference_cell_s(name):
    cell, reference, letters = CELLS[name]
    random = np.random.default_rng(0)
    weights = [random.normal(size=shape) for _, shape in cell.arrays(1, 3)]
    one = member().model_copy(update={"network": NetworkConfig(model=name, window=WINDOW, units=3, layers=1)})
    inputs = random.normal(size=(WINDOW, 1))
    (layer,) = cells.layers_of(one, weights, inputs)
    states = [np.zeros((1, 3))] * len(cell.states)
    expected = reference(inputs[None], *states, *weights)
    assert set(layer.rows) == set(letters)
    for letter, values in expected.items():
        own = "g" if letter == "n" else letter
        np.testing.assert_allclose(layer.rows[own], values[0], atol=1e-12)


def test_a_gate_half_open_forgets_half_in_a_row():
    gate = np.tile([0.5, 0.5**0.1, 0.9999999], (4, 1))
    np.testing.assert_allclose(cells.Layer("a", {"f": gate}).half_lives[:2], [1, 10])
    assert cells.Layer("a", {"h": gate}).half_lives is None


def explanation(folder, horizon=3):
    """Everything that a page may show, of a model with names that would break one."""
    fit = finished_fit(folder, name=HOSTILE, target="<b>Close</b>", horizon=horizon)
    random = np.random.default_rng(1)
    stand_in = replace(bent(), member=member("none"), horizon=horizon)
    if horizon == 1:
        three = bent()
        stand_in = StandIn(
            lambda past, known: three.answer(past, known)[:, :1],
            lambda past, known: (three.slope(past, known)[0][:, :1], None),
            member("none"),
            horizon=1,
        )
    origin = origin_of(fit.panel, stand_in, WINDOW, fit.panel.index[-20])
    one = member()
    weights = [random.normal(size=shape) for shape in array_shapes([one]).values()]
    inputs = random.normal(size=(WINDOW, 1))
    inner = Inside(0, one, cells.layers_of(one, weights, inputs), 0)
    grid = what_if(StandIn(lambda past, known: known[:, WINDOW:, 0], None, member(known=1)), _with_known())
    patches = np.array([[-7, -4], [-3, 0]])
    memory = Memory(
        (Fading("this model", np.geomspace(1e-9, 1, 8)), Fading("rnn at start", np.zeros(8))),
        (Recall(5, dict.fromkeys(("rnn", "lstm", "gru"), (0.5, 0.9)), {"rnn": np.full(5, np.nan)}, 1.0),),
        3,
        1,
    )
    return Explanation(
        fit.manifest, origin, why(stand_in, origin, None), grid if horizon > 1 else None,
        Reach(np.array([1, 4, 8]), np.array([3.0, 1.0, 1.0]), 20, True),
        {"trend": np.ones(horizon), "season": np.zeros(horizon)}, inner,
        States(100, random.normal(size=(200, 2)), 0.9), Attention([np.full((2, 2), 0.5)], patches), _process(horizon),
        memory, 1.0,
    )  # fmt: skip


def _process(horizon):
    stages = [
        pd.DataFrame({"process": "reverse", "stage": stage, "path": path, "date": np.arange(horizon), "value": 1.0})
        for stage in range(3)
        for path in (1, 2)
    ]
    return pd.concat(stages)


def _with_known():
    data = panel(known=1)
    hostile = replace(data, columns=("y", "<script>hacked=1</script>"))
    return origin_of(hostile, linear(2, 0.5), WINDOW, "2024-02-01")


def test_a_page_takes_names_for_text_and_asks_for_nothing(tmp_path):
    page = explanation_page(explanation(tmp_path))
    assert "<b>Close</b>" not in page
    assert "<h2>From noise to path</h2>" in page
    assert "<script>hacked" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    data = json.loads(re.search(r'id="explain-data">(.*?)</script>', page)[1])
    assert set(data) == {"lags", "whatif", "inside", "states", "attention"}
    assert data["whatif"]["sliders"][0]["column"] == "<script>hacked=1</script>"
    heat = data["lags"]
    assert heat["shape"] == [3, WINDOW]
    assert (len(heat["rows"]), len(heat["columns"])) == (3, WINDOW)


def test_lines_say_why_and_how_far_back(tmp_path):
    found = explanation(tmp_path)
    lines = found.lines
    first = r"<b>Close</b> at \d{4}-\d\d-\d\d: forecast [\d.]+, naive [\d.]+, difference [+-][\d.]+\."
    assert re.fullmatch(first, lines[0])
    assert "The parts sum to the difference over 3 steps but for" in "\n".join(lines)
    assert "It looks back 4 of 8 rows: what is older changes its error by 1 % at most." in lines
    json.dumps(found.numbers, allow_nan=False)
    table = found.table
    parts = table.drop(columns=["forecast"]).sum(axis=1)
    np.testing.assert_allclose(parts, table["forecast"], rtol=1e-9)
    with pytest.raises(OptionError, match=r"a page that ends in \.html"):
        found.save(tmp_path / "why.txt")


def test_of_many_units_some_are_drawn_from_the_longest_memory_down():
    gate = np.tile(np.random.default_rng(0).uniform(0.1, 0.99, 200), (4, 1))
    layer = cells.Layer("a", {"f": gate, "h": gate})
    units = drawings.units_drawn(layer)
    assert len(set(units)) == 64
    assert (np.diff(layer.half_lives[units]) <= 0).all()


@pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver is installed")
@pytest.mark.parametrize(("horizon", "scheme", "width"), [(3, "light", 1280), (1, "dark", 390)])
def test_everything_is_drawn_and_nothing_is_complained_of(browser, tmp_path, horizon, scheme, width):
    address = explanation(tmp_path, horizon).save(tmp_path / "why.html").as_uri()
    show(browser, address, scheme, width)
    wait_for_charts(browser)
    blank, reach, fetched, hacked, said = browser.execute_script(
        """const blank = [...document.querySelectorAll(".heat canvas, .plot canvas")].filter((canvas) =>
            !new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).has(255));
        const heat = document.querySelector("#heat-inside canvas");
        heat.focus();
        heat.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
        return [blank.length, document.documentElement.scrollWidth, performance.getEntriesByType("resource").length,
                window.hacked, document.querySelector("#heat-inside .said").textContent];"""
    )
    assert (blank, reach, fetched, hacked) == (0, width, 0, None)
    assert re.search(r"unit \d+, half-life [\d.]+ rows: forget gate [\d.]+, input gate [\d.]+", said)
    assert browser.get_log("browser") == []


@pytest.mark.parametrize(
    ("share", "said"), [(0.0002, "0.02 %"), (0.026, "2.6 %"), (0.256, "26 %"), (0.998, "100 %"), (1.234, "123 %")]
)
def test_percent_has_no_powers_of_ten(share, said):
    assert percent(share) == said
