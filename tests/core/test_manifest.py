"""The manifest of a model file: a stranger's is read too, so whatever is wrong with it is one line about the file."""

import copy
import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasforecast.artifact.manifest import Manifest, MemberRecord, parse
from kerasforecast.baselines.fitted import fit_baselines
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.errors import ArtifactError
from kerasforecast.forecasting.conformal import calibrate
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.split import Split

WINDOW, HORIZON = 3, 2


def _valid():
    scaling = FittedScaling(kind="anchor", transforms=("log", "log"), offset=(0, 0), scale=(0.01, 0.02))
    config = Config.from_options(window=WINDOW, horizon=HORIZON)
    member = MemberRecord.of(Member(network=config.network, scaling=scaling), trained=31_051)
    intervals = {"crps": 0.9, "coverage": {"0.8": 0.79}, "pinball": {"0.1": 0.2, "0.9": 0.25}, "winkler": {"0.8": 4.5}}
    errors = {"rmse": 1.5, "mae": 1.0, "mape": None, "smape": 0.5, "mase": 1.25, "rmsse": 1.25}
    step = errors | {"directional_accuracy": 0.5, "directional_interval": [0.25, 0.75]} | intervals
    scores = step | {"steps": [step, step]}
    dm = {"loss": "squared", "statistic": -1.0, "p_value": 1.0}
    return {
        "schema_version": 2,
        "name": "ibm",
        "created": "2020-01-01T00:00:00+00:00",
        "backend": "jax",
        "device": "cpu",
        "versions": {"keras": "3.15.1", "torch": None},
        "config": config.model_dump(mode="json"),
        "roles": {"target": "Close", "past": ["Volume"], "known": [], "static": [], "calendar": {}},
        "members": [member.model_dump(mode="json")],
        "metrics": {
            "target": "Close",
            "test": {
                "n": 491,
                "model": scores,
                "naive": scores,
                "ewma_fhs": scores,
                "dm": dm,
                "tests": [{"baseline": "ewma_fhs", **dm}],
                "best": "naive",
                "best_intervals": "ewma_fhs",
            },
            "verdict": "no better than naive (DM p = 1.00)",
            "interval_verdict": "no better than ewma_fhs (DM p = 0.50)",
            "diagnosis": {"name": "good", "text": "fell together", "advice": "keep it", "naive_val_loss": 1.0},
        },
        "golden": {
            "past": [[[1.0, 2.0]] * WINDOW] * 2,
            "known": None,
            "static": None,
            "forecast": [[1.0] * HORIZON] * 2,
        },
        "hashes": {"config.json": "0" * 64},
    }


VALID = _valid()


def changed(path, value):
    """The valid manifest with one value put in the place that `path` names, in parts or with dots between them."""
    content = copy.deepcopy(VALID)
    *holders, last = path.split(".") if isinstance(path, str) else path
    place = content
    for holder in holders:
        place = place[int(holder) if holder.isdigit() else holder]
    place[int(last) if last.isdigit() else last] = value
    return json.dumps(content).encode()


def test_a_valid_manifest_is_read_and_written_the_same():
    manifest = parse(json.dumps(VALID).encode(), "ibm.keras")
    assert manifest.target == "Close"
    assert parse(manifest.model_dump_json().encode(), "ibm.keras") == manifest
    assert {name: json.loads(manifest.model_dump_json())[name] for name in VALID} == VALID


def test_a_manifest_from_before_there_was_a_diagnosis_is_read():
    content = copy.deepcopy(VALID)
    del content["metrics"]["diagnosis"]
    assert parse(json.dumps(content).encode(), "ibm.keras").metrics.diagnosis is None


WRONG = [
    ("schema_version", 1),
    ("schema_version", 3),
    ("schema_version", "1.0"),
    ("name", "x" * 1001),
    ("name", None),
    ("unheard_of", 1),
    ("config.network.options.units", 0),
    ("config.network.options.units", 10**9),
    ("config.network.options.colour", "red"),
    ("members.0.network.options.units", 0),
    ("members.0.network.model", "__import__"),
    ("members.0.network", {"model": "auto", "window": WINDOW, "horizon": HORIZON}),
    ("members.0.weight", 0),
    ("members.0.weight", 2),
    ("config.network.model", "__import__"),
    ("config.network.unheard_of", 1),
    ("config.data.unheard_of", 1),
    ("roles.target", None),
    ("roles.colour", []),
    ("members", []),
    ("members.0.scaling.transforms", ["exec", "log"]),
    ("members.0.scaling.scale", [0.01, 0.0]),
    ("members.0.scaling.scale", [0.01, -0.02]),
    ("members.0.scaling.scale", [0.01, float("nan")]),
    ("members.0.scaling.scale", [0.01, float("inf")]),
    ("members.0.scaling.offset", [float("-inf"), 0]),
    ("members.0.parameters.saved", -1),
    ("members.0.parameters.saved", 10**13),
    ("metrics.test.model.rmse", float("nan")),
    ("metrics.test.naive.mae", float("inf")),
    ("metrics.test.dm.p_value", 1.5),
    ("metrics.test.best", None),
    ("metrics.test.best_intervals", 3),
    ("data", {"probe": 1}),
    ("metrics.test", {"n": 491}),
    ("metrics.diagnosis.name", "very good"),
    ("metrics.diagnosis.text", "x" * 1001),
    ("metrics.diagnosis.naive_val_loss", -1.0),
    ("metrics", {}),
    ("metrics", []),
    ("golden.forecast", [[float("nan")] * HORIZON] * 2),
    ("golden.past", []),
    ("golden.past", [[[1.0, 2.0]] * WINDOW] * 9),
    ("members.0.weights", [{"path": "x", "shape": [0]}]),
    ("members.0.weights", [{"path": "x", "shape": [1] * 5}]),
    ("members.0.weights", [{"path": "x", "shape": [10**7]}]),
    ("hashes", {"config.json": "0" * 63}),
    ("hashes", {"config.json": "0" * 63 + "\n"}),
    ("hashes", {"config.json": "G" * 64}),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_value_against_the_schema_is_refused_by_its_place(path, value):
    with pytest.raises(ArtifactError) as caught:
        parse(changed(path, value), "ibm.keras")
    message = str(caught.value)
    assert message.startswith("ibm.keras: its manifest must follow schema 2; ")
    assert path.split(".")[0] in message
    assert message.isprintable()


CONTRADICTIONS = [
    ("roles.past", [], "scaling"),
    ("members.0.scaling.scale", [0.01], "scaling"),
    ("members.0.scaling.transforms", ["log"] * 3, "scaling"),
    ("members.0.network.window", WINDOW + 1, "golden windows"),
    ("golden.past", [[[1.0]] * WINDOW] * 2, "golden windows"),
    ("golden.past", [[[1.0, 2.0], [1.0, 2.0], [1.0]]] * 2, "golden windows"),
    ("golden.past", [[[1.0, 2.0]] * WINDOW], "golden forecasts"),
    ("members.0.network.horizon", HORIZON + 1, "configuration"),
    ("members.0.network.quantiles", [0.1, 0.5], "configuration"),
]


@pytest.mark.parametrize(("path", "value", "what"), CONTRADICTIONS)
def test_a_manifest_that_contradicts_itself_is_refused_by_what_it_has(path, value, what):
    with pytest.raises(ArtifactError, match=f"its {what} must fit .*; received "):
        parse(changed(path, value), "ibm.keras")


def two_members(weights, **changes):
    content = copy.deepcopy(VALID)
    member = content["members"][0]
    second = copy.deepcopy(member)
    second["network"] |= changes
    content["members"] = [member | {"weight": weights[0]}, second | {"weight": weights[1]}]
    return json.dumps(content).encode()


def test_several_members_are_read_and_their_numbers_added():
    manifest = parse(two_members([0.25, 0.75]), "ibm.keras")
    assert manifest.parameters.trained == 2 * 31_051
    assert manifest.window == WINDOW


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (two_members([0.5, 0.6]), "weights of its members must sum to 1"),
        (two_members([0.5, 0.5], horizon=HORIZON + 1), "its horizon must fit its members"),
        (two_members([0.5, 0.5], quantiles=[0.1, 0.5]), "its horizon must fit its members"),
    ],
)
def test_members_that_do_not_go_together_are_refused(content, message):
    with pytest.raises(ArtifactError, match=message):
        parse(content, "ibm.keras")


def with_intervals(**changes):
    """The valid manifest with what its baselines and intervals learned, and `changes` to where adapting had come to."""
    config = Config.model_validate(VALID["config"])
    history = 100 + np.sin(np.arange(60.0))
    series = Series(history[:, None], pd.RangeIndex(60), ("y",))
    baselines = fit_baselines(Panel.of(series), Split.of_one(50, 60, 60, WINDOW, HORIZON), HORIZON, config.levels)
    zeros, base = np.zeros((20, HORIZON)), np.zeros((20, HORIZON, len(config.levels)))
    calibration = calibrate(zeros, base, zeros + 1, zeros, config.levels, "point", HORIZON)
    adapted = {"at": "2013-02-28T00:00:00", "levels": [list(config.levels)] * HORIZON} | changes
    intervals = {"baselines": baselines.model_dump(mode="json"), "calibration": calibration.model_dump(mode="json")}
    return json.dumps(VALID | intervals | {"adapted": adapted}).encode()


def test_where_adapting_had_come_to_is_kept():
    manifest = parse(with_intervals(), "ibm.keras")
    assert manifest.adapted.at == dt.datetime(2013, 2, 28)
    assert parse(manifest.model_dump_json().encode(), "ibm.keras").adapted == manifest.adapted
    assert parse(with_intervals(at=299), "ibm.keras").adapted.at == 299


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "2013-02-28T00:00:00+01:00"},
        {"at": "yesterday"},
        {"at": None},
        {"at": 2**63},
        {"at": 1.5},
        {"levels": [[0.5] * 6 + [1.01]] * HORIZON},
        {"levels": [[0.5] * 6 + [-0.01]] * HORIZON},
        {"levels": [[0.5] * 6 + [float("nan")]] * HORIZON},
        {"levels": []},
        {"levels": [[0.5] * 101] * HORIZON},
        {"levels": [[0.5] * 7] * (HORIZON - 1)},
        {"levels": [[0.5] * 7, [0.5] * 6]},
        {"levels": [[]] * HORIZON},
        {"unheard_of": 1},
    ],
)
def test_levels_of_intervals_against_the_schema_are_refused(changes):
    with pytest.raises(
        ArtifactError,
        match=r"^ibm\.keras: its (manifest must follow schema 2; (adapted|kerasforecast.json: .*intervals))",
    ):
        parse(with_intervals(**changes), "ibm.keras")


def test_levels_without_intervals_are_refused():
    content = {**VALID, "adapted": {"at": 1, "levels": [[0.5] * 7] * HORIZON}}
    with pytest.raises(ArtifactError, match="its baselines and intervals together must fit"):
        parse(json.dumps(content).encode(), "ibm.keras")


@pytest.mark.parametrize("name", sorted(set(VALID) - {"schema_version", "metrics", "hashes"}))
def test_what_every_manifest_needs_is_missed_by_name(name):
    content = {key: value for key, value in VALID.items() if key != name}
    with pytest.raises(ArtifactError, match=f"schema 2; {name}"):
        parse(json.dumps(content).encode(), "ibm.keras")


@pytest.mark.parametrize("text", [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"a": ' * 100_000])
def test_what_is_no_manifest_at_all_is_refused(text):
    with pytest.raises(ArtifactError) as caught:
        parse(text, "ibm.keras")
    assert len(str(caught.value)) < 1_000


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_line(text):
    with pytest.raises(ArtifactError) as caught:
        parse(text, "ibm.keras")
    assert str(caught.value).isprintable()


def _places(value, path=()):
    """Where anything stands in a manifest; of a list its first item stands for all."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, each in inner:
        yield from _places(each, (*path, str(name)))


@pytest.mark.parametrize("other", [None, "text", 3, [], {}, [1], ["a"], {"a": 1}], ids=repr)
def test_what_is_of_another_kind_is_refused_in_one_line_wherever_it_stands(other):
    for path in _places(VALID):
        try:
            parse(changed(path, other), "ibm.keras")
        except ArtifactError as error:
            assert str(error).isprintable(), path


def test_a_manifest_cannot_be_changed():
    manifest = Manifest.model_validate(VALID)
    with pytest.raises(ValueError, match="frozen"):
        manifest.name = "other"
