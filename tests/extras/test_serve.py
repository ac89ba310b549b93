"""The server: the library's own forecasts over HTTP, one line for whatever is wrong, models exchanged in between."""

import asyncio
import contextlib
import hashlib
import io
import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kerasforecast as kf
from cli.main import cli
from kerasforecast.artifact.onnx.writer import onnx_bytes
from kerasforecast.artifact.reader import read_network
from kerasforecast.errors import DataError, OptionError
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.serving import retraining
from kerasforecast.serving.asked import Asked
from kerasforecast.serving.http.app import application
from kerasforecast.serving.http.batches import Batches
from kerasforecast.serving.limits import Limits
from kerasforecast.serving.outcomes import Outcomes
from kerasforecast.serving.plain import PlainTables
from kerasforecast.serving.server import Address, listening, serve
from kerasforecast.serving.server import application as from_paths
from kerasforecast.serving.shelf import Shelf
from tests.extras.networks import SCALINGS, member, written

JSON, CSV = {"content-type": "application/json"}, {"content-type": "text/csv"}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def call(app, path, body=None, headers=None, *, method=None, parts=None):
    """One request, as a server hands it to the application."""
    path, _, query = path.partition("?")
    sent = [] if body is None else [body if isinstance(body, bytes) else json.dumps(body).encode()]
    pieces = iter(parts if parts is not None else [sent[0] if sent else b""])
    given = {"host": "localhost:8000", **(headers or ({} if body is None else JSON))}
    scope = {
        **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": ""},
        **{"method": method or ("GET" if body is None and parts is None else "POST"), "path": path},
        **{"raw_path": path.encode(), "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": None},
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }
    answered = []

    async def run():
        waiting = list(pieces)

        async def receive():
            if not waiting:
                await asyncio.sleep(60)
            piece = waiting.pop(0)
            return {"type": "http.request", "body": piece or b"", "more_body": bool(waiting) or piece is None}

        async def send(message):
            answered.append(message)

        await app(scope, receive, send)

    asyncio.run(run())
    start = answered[0]
    body = b"".join(message.get("body", b"") for message in answered[1:])
    return Answer(start["status"], {key.decode(): value.decode() for key, value in start["headers"]}, body)


def waves(count, seed=0):
    rows = np.arange(count)
    values = 100 + 5 * np.sin(2 * np.pi * rows / 7) + np.random.default_rng(seed).normal(size=count)
    return pd.DataFrame({"date": pd.date_range("2022-01-01", periods=count).strftime("%Y-%m-%d"), "sales": values})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model of 300 days, and its ONNX file."""
    folder = tmp_path_factory.mktemp("served")
    model = kf.fit(waves(300), target="sales", model="linear", window=14, horizon=2, epochs=25)
    kf.export(model.save(folder / "waves.keras"))
    return folder


@pytest.fixture(scope="module")
def app(folder):
    return application(Shelf([folder / "waves.onnx"]), Limits(seconds=20), watch=True)


def asked(rows=60, **more):
    return {"history": waves(rows).to_dict("list"), "steps": 3, **more}


@pytest.mark.parametrize("kind", ["columns", "rows", "text", "csv"])
def test_a_forecast_is_the_librarys_own(kind, folder, app):
    table = waves(60)
    expected = kf.load(folder / "waves.onnx").forecast(3, table)
    if kind == "csv":
        found = call(app, "/v1/models/waves/forecast?steps=3", table.to_csv(index=False).encode(), CSV)
    else:
        history = {
            "columns": table.to_dict("list"),
            "rows": table.to_dict("records"),
            "text": table.to_csv(index=False),
        }
        found = call(app, "/v1/models/waves/forecast", {"history": history[kind], "steps": 3})
    assert found.status == 200, found.body
    (series,) = found.json["series"]
    assert series["dates"] == list(expected.index.strftime("%Y-%m-%d"))
    np.testing.assert_allclose(series["point"], expected["forecast"], rtol=1e-12)
    for level in found.json["levels"]:
        np.testing.assert_allclose(series["quantiles"][f"{level:g}"], expected[f"q{level:g}"], rtol=1e-12)
    assert found.json["sha256"] == hashlib.sha256((folder / "waves.onnx").read_bytes()).hexdigest()


def columns(count=60, **more):
    return waves(count).to_dict("list") | more


def other(form, step="D", count=60):
    return pd.date_range("2022-01-01", periods=count, freq=step).strftime(form).tolist()


# 2022 begins on a Saturday: Saturdays and Sundays repeat the Friday before.
FILLED = [float(day - day % 7 - 1 if day % 7 < 2 else day) for day in range(60)]
PLAIN = {
    "days": columns(),
    "working days": columns(date=other("%Y-%m-%d", "B")),
    "hours": columns(date=other("%Y-%m-%dT%H:%M", "h")),
    "seconds": columns(date=other("%Y-%m-%d %H:%M:%S", "7h")),
    "whole numbers": columns(sales=list(range(60))),
    "a stale tail": columns(sales=[*range(40), *[7] * 20]),
    "a leap": columns(sales=[*[100.0, 101.0] * 15, *[50.0, 51.0] * 15]),
    "filled weekends": columns(date=other("%Y-%m-%d"), sales=FILLED),
    "the target first": dict(reversed(columns().items())),
}
GUESSED = {
    "another column": columns(price=[1.0] * 60),
    "another name": {"when": columns()["date"], "sales": columns()["sales"]},
    "no dates": {"sales": columns()["sales"]},
    "numbers as text": columns(sales=list(map(str, columns()["sales"]))),
    "a gap": columns(sales=[*columns()["sales"][:-1], None]),
    "from newest to oldest": columns(date=columns()["date"][::-1]),
    "a date twice": columns(date=[*columns()["date"][:-1], columns()["date"][-2]]),
    "a month 13": columns(date=[*columns()["date"][:-1], "2022-13-01"]),
    "another format": columns(date=other("%d.%m.%Y")),
    "an offset": columns(date=other("%Y-%m-%dT%H:%MZ")),
    "far years": columns(date=[f"0{each[1:]}" for each in columns()["date"]]),
    "two rows": columns(2),
}


@pytest.mark.parametrize("name", [*PLAIN, *GUESSED])
def test_plain_tables_of_json_are_read_as_the_reader_of_all_tables_reads_them(name, folder):
    model = kf.load(folder / "waves.onnx")
    table = {**PLAIN, **GUESSED}[name]
    plain = PlainTables(model.manifest)
    plain.panel(table | {"sales": columns()["sales"]} if len(table.get("sales", ())) == 60 else table)  # the same dates
    found = plain.panel(table)
    assert plain.take(table) == (found is not None) == (name in PLAIN)
    if found is not None:
        expected = model.panel_from(pd.DataFrame(table))
        parts = {field.name: (getattr(found, field.name), getattr(expected, field.name)) for field in fields(found)}
        pd.testing.assert_index_equal(*parts.pop("index"))
        for own, other in parts.values():
            np.testing.assert_array_equal(own, other)


FAULTY = {
    "no step": columns(date=(np.datetime64("1900-01-01") + np.arange(60) ** 2).astype(str).tolist()),
    "in the future": columns(date=[each.replace("2022", "2222") for each in columns()["date"]]),
}


@pytest.mark.parametrize("name", FAULTY)
def test_plain_tables_are_refused_as_any_are(name, folder, app):
    model = kf.load(folder / "waves.onnx")
    assert not PlainTables(model.manifest).take(FAULTY[name])
    with pytest.raises(DataError) as expected:
        model.panel_from(pd.DataFrame(FAULTY[name]))
    found = call(app, "/v1/models/waves/forecast", {"history": FAULTY[name]})
    assert found.status == 422
    assert found.json["error"] == str(expected.value).replace("DataFrame:", "history:")


def test_short_plain_requests_are_answered_without_a_thread(app, monkeypatch):
    monkeypatch.setattr(ThreadPoolExecutor, "submit", lambda *_: pytest.fail("a thread"))
    found = call(app, "/v1/models/waves/forecast", asked(steps=2))
    assert found.status == 200, found.body
    assert len(found.json["series"][0]["point"]) == 2


def test_several_series_are_forecast_each_by_its_name(folder, app):
    table = pd.concat([waves(60, seed).assign(shop=f"shop {seed}") for seed in range(3)])
    found = call(app, "/v1/models/waves/forecast", {"history": table.to_dict("list"), "options": {"id": "shop"}}).json
    assert [each["id"] for each in found["series"]] == ["shop 0", "shop 1", "shop 2"]
    alone = kf.load(folder / "waves.onnx").forecast(1, waves(60, 2))
    assert found["series"][2]["point"] == pytest.approx(alone["forecast"].tolist())


def test_windows_are_answered_as_the_protocol_has_it(folder, app):
    described = call(app, "/v2/models/waves").json
    assert described["inputs"] == [{"name": "past", "datatype": "FP32", "shape": [-1, 14, 1]}]
    assert described["outputs"][0] == {"name": "forecast", "datatype": "FP64", "shape": [-1, 2]}
    past = waves(16)["sales"].to_numpy()[[range(14), range(2, 16)]]
    tensor = {"name": "past", "datatype": "FP32", "shape": [2, 14, 1], "data": past.ravel().tolist()}
    found = call(app, "/v2/models/waves/infer", {"id": "7", "inputs": [tensor]}).json
    (point, quantiles), model = found["outputs"], kf.load(folder / "waves.onnx")
    assert (found["id"], point["shape"], quantiles["shape"][:2]) == ("7", [2, 2], [2, 2])
    np.testing.assert_allclose(np.reshape(point["data"], (2, 2)), model.predict(past[:, :, None]), rtol=1e-6)
    assert call(app, "/v2/health/ready").json == {"ready": True}


def test_windows_that_come_together_are_computed_together_and_each_is_answered(folder, monkeypatch):
    served = Shelf([folder / "waves.onnx"]).served["waves"]
    sizes, compute = [], served.model.forecaster.predictor.outputs

    def counted(windows):
        sizes.append(len(windows))
        return compute(windows)

    monkeypatch.setattr(served.model.forecaster.predictor, "outputs", counted)
    past = np.stack([waves(14, seed)["sales"].to_numpy(np.float32) for seed in range(5)])[:, :, None]
    batches = Batches()

    async def ask(*each):
        found = (batches.forecasts(served, WindowBatch(windows)) for windows in each)
        return await asyncio.gather(*found, return_exceptions=True)

    first, second = asyncio.run(ask(past[:2], past[2:]))
    assert sizes == [5]
    np.testing.assert_allclose(np.concatenate([first.point, second.point]), served.model.predict(past), rtol=1e-6)
    wrong, sound = asyncio.run(ask(past[:1, :3], past[:1]))
    assert isinstance(wrong, Exception) and sound.point.shape == (1, 2)


def test_what_keras_alone_can_compute_keras_computes(tmp_path, monkeypatch):
    path = tmp_path / "drawn.keras"
    written(path, member("gru, layer norm", SCALINGS["standard"]))

    def refused(*_, **__):
        raise OptionError("An ONNX file has no place for that.")

    monkeypatch.setattr("kerasforecast.api.exporting.export", refused)
    shelf = Shelf([path])
    assert shelf.served["drawn"].runtime == "keras"


WRONG = {
    "no such model": ("/v1/models/other/forecast", asked(), JSON, 404),
    "no such page": ("/v1/other", asked(), JSON, 404),
    "a form": ("/v1/models/waves/forecast", b"a=1", {"content-type": "text/plain"}, 415),
    "no JSON": ("/v1/models/waves/forecast", b"{", JSON, 400),
    "not a number": ("/v1/models/waves/forecast", b'{"history": {"sales": [NaN]}}', JSON, 400),
    "deep JSON": ("/v1/models/waves/forecast", b"[" * 200_000, JSON, 400),
    "a file of the server's": ("/v1/models/waves/forecast", asked(options={"file": "/etc/passwd"}), JSON, 422),
    "a ticker": ("/v1/models/waves/forecast?ticker=AAPL", b"a,b\n1,2\n", CSV, 422),
    "a thousand million steps": ("/v1/models/waves/forecast", asked() | {"steps": 10**9}, JSON, 422),
    "too few rows": ("/v1/models/waves/forecast", asked(5), JSON, 422),
    "another column": ("/v1/models/waves/forecast", {"history": {"date": ["2020-01-01"], "x": [1.0]}}, JSON, 422),
    "ragged columns": ("/v1/models/waves/forecast", {"history": {"a": [1, 2], "b": [1]}}, JSON, 422),
    "a future that nobody wants": ("/v1/models/waves/forecast", asked(future={"date": ["2022-03-02"]}), JSON, 422),
    "a packed table": ("/v1/models/waves/forecast", b"\x1f\x8b" + b"0" * 50, CSV, 415),
    "an empty table": ("/v1/models/waves/forecast", b"", CSV, 422),
    "a window too many": ("/v2/models/waves/infer", {"inputs": [{"name": "past", "datatype": "FP32"}]}, JSON, 400),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_is_wrong_is_said_in_a_line(wrong, app, folder):
    path, body, headers, status = WRONG[wrong]
    found = call(app, path, body, headers)
    assert found.status == status, found.body
    assert list(found.json) == ["error"]
    assert "\n" not in found.json["error"] and str(folder) not in found.json["error"]


_CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers()))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["history", "steps", "options", "future"]),
    st.recursive(_CELLS, lambda inner: st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=6),
)
def test_generated_bodies_are_answered_or_refused_in_a_line(app, field, value):
    found = call(app, "/v1/models/waves/forecast", json.dumps(asked(30) | {field: value}).encode(), JSON)
    assert found.status in (200, 400, 413, 422), found.body
    assert found.status == 200 or list(found.json) == ["error"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 600), st.binary(max_size=12))
def test_generated_tables_are_answered_or_refused_in_a_line(app, place, junk):
    text = waves(30).to_csv(index=False).encode()
    found = call(app, "/v1/models/waves/forecast", text[:place] + junk + text[place:], CSV)
    assert found.status in (200, 413, 415, 422), found.body
    assert found.status == 200 or list(found.json) == ["error"]


def test_limits_hold(folder):
    small = application(Shelf([folder / "waves.onnx"]), Limits(body=5_000, rows=50, series=1, seconds=0.5))
    path = "/v1/models/waves/forecast"
    assert call(small, path, b"x" * 6_000, CSV).status == 413
    assert call(small, path, parts=[b"x" * 3_000, b"x" * 3_000], headers=CSV).status == 413
    assert call(small, path, parts=[b"date,sal", None], headers=CSV).status == 408
    assert call(small, path, asked(60)).status == 413
    two = pd.concat([waves(20).assign(shop=shop) for shop in "ab"])
    assert "1 series" in call(small, path, {"history": two.to_dict("list"), "options": {"id": "shop"}}).json["error"]


def test_an_answer_that_takes_too_long_is_not_waited_for(folder, monkeypatch):
    import time

    slow = application(Shelf([folder / "waves.onnx"]), Limits(seconds=0.2))
    monkeypatch.setattr("kerasforecast.serving.http.app._forecast", lambda *_: time.sleep(0.6))
    found = call(slow, "/v1/models/waves/forecast", asked())
    assert (found.status, found.headers["retry-after"]) == (503, "1")


def test_answers_do_not_wait_for_each_other_on_the_wire():
    with listening(Address(port=0)) as place, socket.create_connection(place.getsockname()[:2]) as asking:
        answering, _ = place.accept()
        with answering:
            assert answering.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert asking.getpeername()[0] == "127.0.0.1"


def test_who_has_no_token_or_another_name_for_the_server_is_turned_away(folder, tmp_path):
    (tmp_path / "token").write_text("a token of many letters".replace(" ", "-") + "\n")
    app = from_paths([folder / "waves.onnx"], token_file=tmp_path / "token")
    bearer = {"authorization": "Bearer a-token-of-many-letters"}
    assert call(app, "/v1/models").status == 401
    assert call(app, "/v1/models", headers={"authorization": "Bearer a-token"}).status == 401
    assert call(app, "/v1/models", headers=bearer).status == 200
    assert call(app, "/v2/health/live").status == call(app, "/").status == 200
    assert call(app, "/", headers={"host": "evil.example"}).status == 421
    (tmp_path / "token").write_text("short")
    with pytest.raises(OptionError, match="16 or more"):
        from_paths([folder / "waves.onnx"], token_file=tmp_path / "token")
    with pytest.raises(OptionError, match="token_file"):
        serve([folder / "waves.onnx"], address=Address("0.0.0.0"))


def test_a_newer_file_takes_the_place_of_the_old_and_a_bad_one_does_not(folder, tmp_path):
    place = tmp_path / "waves.onnx"
    shutil.copy(folder / "waves.onnx", place)
    shelf = Shelf([tmp_path])
    first, app = shelf.served["waves"], application(shelf)
    other = tmp_path / "other.bin"
    written(tmp_path / "drawn.keras", member("linear with a trend", SCALINGS["standard"]))
    other.write_bytes(onnx_bytes(*read_network(tmp_path / "drawn.keras")))
    (tmp_path / "drawn.keras").unlink()
    place.write_bytes(other.read_bytes()[:-100])
    shelf.refresh()
    assert shelf.served["waves"] is first and shelf.refusals == 1
    assert str(tmp_path) not in shelf.faults["waves"]
    other.replace(place)
    shelf.refresh()
    assert shelf.served["waves"].sha256 == hashlib.sha256(place.read_bytes()).hexdigest() != first.sha256
    assert call(app, "/v2/models/waves").json["versions"] == [shelf.served["waves"].sha256]
    assert "kerasforecast_model_swaps 1.0" in call(app, "/metrics").body.decode()
    place.unlink()
    shelf.refresh()
    assert call(app, "/v2/health/ready").status == 503


def test_outcomes_that_are_posted_tell_drift(folder):
    app = application(Shelf([folder / "waves.onnx"]), Limits(seconds=30), watch=True)
    assert call(app, "/v1/models/waves/drift").status == 409
    rows = waves(500)
    assert call(app, "/v1/models/waves/outcomes", rows[:420].to_csv(index=False).encode(), CSV).json["rows"] == 420
    sound = call(app, "/v1/models/waves/drift").json
    assert (sound["status"], sound["rows"]) == ("fine", 120)
    rows.loc[420:, "sales"] += 8
    more = {"history": rows[410:].to_dict("list")}  # ten rows again: they take their own places
    assert call(app, "/v1/models/waves/outcomes", more).json["rows"] == 500
    found = call(app, "/v1/models/waves/drift").json
    assert found["status"] == "retrain" and found["why"]
    assert 'kerasforecast_drift{model="waves"} 2.0' in call(app, "/metrics").body.decode()
    by_hand = kf.drift(folder / "waves.onnx", rows)
    assert (by_hand.status, by_hand.rows, by_hand.exit_code) == ("retrain", 200, 4)


def test_outcomes_are_not_taken_unless_the_server_watches(folder):
    app = application(Shelf([folder / "waves.onnx"]))
    assert call(app, "/v1/models/waves/outcomes", asked()).status == 404


def test_drift_on_the_command_line(folder, tmp_path):
    rows = waves(400)
    rows.to_csv(tmp_path / "newer.csv", index=False)
    done = CliRunner().invoke(cli, ["drift", str(folder / "waves.onnx"), str(tmp_path / "newer.csv")])
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        0,
        "fine: series, 100 forecasts from 2022-10-28 to 2023-02-04",
    )
    rows.loc[320:, "sales"] *= 1.2
    rows.to_csv(tmp_path / "newer.csv", index=False)
    done = CliRunner().invoke(cli, ["drift", str(folder / "waves.onnx"), str(tmp_path / "newer.csv"), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (4, "retrain")
    rows[:310].to_csv(tmp_path / "newer.csv", index=False)
    done = CliRunner().invoke(cli, ["drift", str(folder / "waves.onnx"), str(tmp_path / "newer.csv")])
    assert done.exit_code == 2 and "20 rows" in done.stderr


def test_the_page_and_the_description_are_whole(app):
    page = call(app, "/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for asset in ("page.css", "page.js"):
        assert f"/static/{asset}" in page.body.decode() and call(app, f"/static/{asset}").status == 200
    described = call(app, "/openapi.json").json
    for path, methods in described["paths"].items():
        for method in methods:
            answered = call(app, path.replace("{name}", "waves"), asked() if method == "post" else None)
            assert answered.status not in (404, 405, 415, 500), path
        other = call(app, path.replace("{name}", "waves"), method="TRACE")
        allowed = other.headers["allow"]
        assert other.status == 405 and {method.upper() for method in methods} <= set(allowed.split(", "))
        assert other.json["error"] == f"The method must be {allowed}. Received: 'TRACE'."


def test_a_model_that_draws_paths_gives_them(tmp_path):
    written(tmp_path / "drawn.keras", member("diffusion", SCALINGS["level by mean and spread"]))
    own = application(Shelf([tmp_path / "drawn.keras"]), Limits(seconds=20))
    (facts,) = call(own, "/v1/models").json["models"]
    assert (facts["runtime"], facts["paths"], facts["given"]) == ("onnx", 10, [])
    body = {"history": {"Close": (100 + waves(20)["sales"]).tolist()}, "steps": 2}
    found = call(own, "/v1/models/drawn/forecast", body | {"paths": 5})
    assert found.status == 200, found.body
    (series,) = found.json["series"]
    assert np.shape(series["paths"]) == (5, 2)
    ours = kf.load(tmp_path / "drawn.keras").predictor.outputs(np.array(body["history"]["Close"])[None, -9:, None])
    np.testing.assert_allclose(series["paths"], ours[0, :5, :2], rtol=1e-5)
    assert "paths" not in call(own, "/v1/models/drawn/forecast", body).json["series"][0]
    for wrong in ({"paths": 13}, {"paths": 5, "steps": 4}, {"paths": -1}, {"paths": True}):
        refused = call(own, "/v1/models/drawn/forecast", body | wrong)
        assert (refused.status, "paths" in refused.json["error"]) == (422, True)


def test_a_model_without_paths_says_so(app):
    found = call(app, "/v1/models/waves/forecast", asked(paths=3))
    assert (found.status, "diffusion" in found.json["error"]) == (422, True)


class InThisProcess:
    """In the place of a child: the same training, where a test can wait for it."""

    def __init__(self, command, **others):
        assert command[1:3] == ["-m", retraining.__name__]
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self.returncode = retraining._main(*command[3:])
        self.said = said.getvalue()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def communicate(self, timeout):
        return self.said, None


@pytest.mark.parametrize("better", [True, False])
def test_a_stale_model_is_trained_on_and_goes_if_that_helps(folder, tmp_path, monkeypatch, better):
    monkeypatch.setattr(retraining.subprocess, "Popen", InThisProcess)
    shutil.copy(folder / "waves.keras", tmp_path)
    shelf, outcomes = Shelf([tmp_path / "waves.keras"]), Outcomes(Limits())
    before, look = shelf.served["waves"], retraining.Retraining(shelf, outcomes)
    newer = waves(520)[300:]
    if better:  # seasons of five days
        newer["sales"] = 100 + 5 * np.sin(2 * np.pi * np.arange(len(newer)) / 5) + newer["sales"] % 1
    else:  # noise, of which nothing is to be learned
        newer["sales"] = 100 + 40 * np.random.default_rng(1).standard_cauchy(len(newer))
    look.look()
    assert look.told == {}  # without outcomes nothing is done
    outcomes.post(before, Asked(newer.to_csv(index=False).encode(), None, 1, 0, {}))
    look.look()
    shelf.refresh()
    assert look.told["waves"].startswith("exchanged" if better else "the old one serves on"), look.told
    assert (shelf.served["waves"].sha256 != before.sha256) == better
    assert not list(tmp_path.glob(".*"))
    told = dict(look.told)
    look.look()
    assert look.told == told  # not again by the same outcomes


def test_what_cannot_be_trained_on_is_one_line(folder):
    with pytest.raises(OptionError, match=r"retrain.*\.keras files"):
        from_paths([folder / "waves.onnx"], watch=True, retrain=True)
    with pytest.raises(OptionError, match=r"needs .*watch"):
        from_paths([folder / "waves.keras"], retrain=True)
