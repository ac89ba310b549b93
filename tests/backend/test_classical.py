"""`--model auto --baselines auto_ets`: a classical model that is better than all networks is what leaves."""

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.artifact.format.archive import MANIFEST, pack
from kerasforecast.errors import ArtifactError, OptionError
from kerasforecast.models.families.classical import TITLES
from kerasforecast.selection import budgets
from kerasforecast.serving.shelf import Shelf
from tests.backend.test_joined import waves

OPTIONS = {"model": "auto", "horizon": 3, "budget": "small", "progress": False}
TRUTH = waves(200)


class Knowing:
    """Stands in for a model of statsforecast where that is not installed: it knows what follows, nearly."""

    fitted: ClassVar[list[int]] = []

    def __init__(self, season_length):
        self.season = season_length

    def fit(self, y):
        Knowing.fitted.append(len(y))

    def forward(self, y, h, level):
        found = {"mean": TRUTH[len(y) : len(y) + h] + 0.01 * np.arange(1, h + 1)}
        return found | {f"{end}-{width}": found["mean"] for width in level or () for end in ("lo", "hi")}


@pytest.fixture(scope="module", autouse=True)
def installed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasforecast.models.families.registry.names", lambda: ("linear", "seasonal"))
        small = budgets.Budget(rounds=(4, 8), proposals=1, solved=2, stretch=2, seeds=1)
        patch.setitem(budgets._BUDGETS, "small", small)
        models = SimpleNamespace(**dict.fromkeys(TITLES.values(), Knowing))
        patch.setitem(sys.modules, "statsforecast", SimpleNamespace(models=models, __spec__=True))
        yield


@pytest.fixture(scope="module")
def won(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classical")
    pd.DataFrame({"value": TRUTH[:160]}).to_csv(folder / "table.csv", index=False)
    return kf.fit(folder / "table.csv", **OPTIONS, baselines=("auto_ets",), output_dir=folder, name="waves")


def test_it_leaves_scored_beside_the_networks(won):
    network = won.manifest.members[0].network
    assert (network.model, network.options.method, network.options.season) == ("classical", "auto_ets", 6)
    assert won.manifest.selection.served == "auto_ets"
    assert "auto_ets is better" in won.manifest.selection.beside_line
    scores = won.test.scores
    assert scores["model"]["rmse"] < 0.05 < scores["networks"]["rmse"]
    assert "auto_ets" not in scores  # it is the model
    assert scores["model"]["coverage"]["0.8"] > 0.5
    page = won.files["report"].read_text()
    assert "AutoETS, season of 6 rows, fitted anew to each history" in page
    assert "Loss curves" not in page
    assert "history" not in won.files


def test_its_file_is_a_manifest_that_forecasts_the_same_wherever_it_is_opened(won):
    path = won.files["model"]
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [MANIFEST]
    loaded = kf.load(path)
    Knowing.fitted.clear()
    ahead = loaded.forecast(5, TRUTH[:170])
    assert Knowing.fitted[-1] == 170  # all that is known
    np.testing.assert_allclose(ahead["forecast"], TRUTH[170:175] + 0.01 * np.arange(1, 6), atol=1e-6)
    assert (ahead["q0.1"] < ahead["q0.9"]).all()
    again = kf.load(loaded.save(path.with_name("again.keras"))).forecast(5, TRUTH[:170])
    assert ahead.equals(again)
    scored = loaded.evaluate(TRUTH[:160])
    assert scored.scores["model"]["rmse"] == pytest.approx(won.test.scores["model"]["rmse"])


def test_plain_keras_refuses_it(won):
    with pytest.raises((KeyError, ValueError, OSError)):
        keras.models.load_model(won.files["model"])


def test_the_command_line_uses_it_and_refuses_what_needs_a_network(won):
    path = str(won.files["model"])

    def said(*arguments):
        found = CliRunner().invoke(cli, [*arguments])
        assert not isinstance(found.exception, Exception), found.exception
        return found.output

    assert "AutoETS" in said("inspect", path)
    assert json.loads(said("inspect", path, "--json"))["checks"] == {"hashes": True}
    assert "report" in said("report", path)
    grown = str(won.files["model"].with_name("grown.csv"))
    pd.DataFrame({"value": TRUTH[:190]}).to_csv(grown, index=False)
    assert "status" in said("drift", path, grown, "--json")
    for refused in (("export", path), ("explain", path), ("fit", "--update", path), ("fit", "--init-from", path)):
        assert "that needs a network" in said(*refused)
    assert "'classical' is not one of 'lstm'" in said("fit", "--model", "classical")


def test_a_server_says_what_computes_it_and_nothing_of_networks(won, caplog):
    with caplog.at_level("INFO", logger="kerasforecast.serving"):
        shelf = Shelf([won.files["model"]])
    assert shelf.served["waves"].runtime == "statsforecast"
    assert [record.message.split(", ")[1] for record in caplog.records] == ["by statsforecast."]


def test_what_needs_a_network_is_refused(won):
    with pytest.raises(OptionError, match=r"must be one of lstm, .*Received: 'classical'"):
        kf.fit(TRUTH, model="classical")
    for use in (won.predict, won.sample, won.states):
        with pytest.raises(OptionError, match="That needs a network"):
            use(TRUTH[:12][None])
    with pytest.raises(ArtifactError, match="that needs a network"):
        kf.shrink(won.files["model"], distill="linear", data=TRUTH[:160])


def test_a_file_must_hold_the_network_that_its_manifest_tells_of(won, tmp_path):
    content = won.files["model"].read_bytes()
    with zipfile.ZipFile(won.files["model"]) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    with zipfile.ZipFile(Path(__file__).parents[1] / "reliability" / "roles.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    other = {"method": "auto_ets; import os"}
    changed = json.loads(json.dumps(manifest))
    changed["members"][0]["network"]["options"] = other
    alone = pack({MANIFEST: members[MANIFEST]})
    beside = pack({**members, MANIFEST: json.dumps(manifest).encode()})
    for bad, match in (
        (alone, "must hold the network"),
        (beside, "must hold the network"),
        (pack({MANIFEST: json.dumps(changed).encode()}), "auto_ets"),
        (content + b"x", "must be a whole .keras file"),
        (content[:-9], "must be a whole .keras file"),
    ):
        path = tmp_path / "bad.keras"
        path.write_bytes(bad)
        with pytest.raises(ArtifactError, match=match):
            kf.load(path)


def test_without_the_extra_it_is_told_of_and_not_used(won, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    loaded = kf.load(won.files["model"])
    with pytest.raises(OptionError, match=r"auto_ets needs statsforecast.*pip install 'kerasforecast\[baselines\]'"):
        loaded.forecast(2, TRUTH[:160])
    monkeypatch.setattr("kerasforecast.selection.choose.choose", lambda *arguments: pytest.fail("networks were tried"))
    with pytest.raises(OptionError, match="theta needs statsforecast"):
        kf.fit(TRUTH[:160], **OPTIONS, baselines=("theta",))
