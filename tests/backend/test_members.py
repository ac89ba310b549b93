"""A model of several networks: their weighted mean in one file, each with its own family, window and scaling."""

import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.errors import ArtifactError
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.model import Model
from kerasforecast.preprocessing.batch import WindowBatch
from tests.backend.conftest import SMALL, prices

PARTS = {
    "lstm": ({"window": 8}, 0.5),
    "gru": ({"model": "gru", "window": 5, "scaling": "minmax", "bidirectional": True, "norm": "layer"}, 0.2),
    "rnn": ({"model": "rnn", "window": 7, "scaling": "difference"}, 0.3),
}


@pytest.fixture(scope="module", params=[(), (0.1, 0.5, 0.9)], ids=["points", "quantiles"])
def fits(request):
    common = SMALL | {"horizon": 2, "quantiles": request.param, "layers": 2}
    return [(kf.fit(prices(), **common | options), weight) for options, weight in PARTS.values()]


@pytest.fixture
def joined(fits):
    """The model that is the weighted mean of all of them."""
    members = [part.predictor.members[0].model_copy(update={"weight": weight}) for part, weight in fits]
    weights = [array for part, _ in fits for array in part.predictor.weights]
    config = Config.from_options(window=8, horizon=2, quantiles=fits[0][0].config.network.quantiles)
    golden = Exporter(members).golden(WindowBatch(windows(fits)[:2]), weights)
    records = [MemberRecord.of(member) for member in members]
    return Model(Manifest.of("joined", config, Roles(target="Close"), records, golden=golden), weights)


def windows(fits):
    return fits[0][0].series.values[:80].reshape(10, 8, 1).astype(np.float32)


def mean(fits):
    """By NumPy, from each network alone on the last rows that it sees."""
    parts = [
        weight * part.predictor.outputs(windows(fits)[:, -part.config.network.window :]).astype(np.float64)
        for part, weight in fits
    ]
    return sum(parts)


def test_it_forecasts_the_weighted_mean(fits, joined):
    np.testing.assert_allclose(joined.predictor.outputs(windows(fits)), mean(fits), rtol=1e-6)


def test_one_file_holds_it_here_and_in_plain_keras(fits, joined, tmp_path):
    path = joined.save(tmp_path / "joined.keras")
    loaded = kf.load(path)
    np.testing.assert_array_equal(loaded.predictor.outputs(windows(fits)), joined.predictor.outputs(windows(fits)))
    plain = keras.models.load_model(path)
    np.testing.assert_allclose(plain.predict(windows(fits), verbose=0), mean(fits), rtol=1e-6)
    assert loaded.golden_error() < 1e-5
    assert len(loaded.forecast(5, prices())) == 5


def test_its_inner_states_are_the_first_network_s(fits, joined):
    for ours, alone in zip(joined.states(windows(fits)), fits[0][0].states(windows(fits)), strict=True):
        np.testing.assert_allclose(ours, alone, atol=1e-6)


def test_other_weights_between_the_members_are_no_longer_the_golden_forecast(joined, tmp_path):
    members = [member.model_copy(update={"weight": 1 / 3}) for member in joined.manifest.members]
    path = tmp_path / "other.keras"
    Exporter(members).write(path, joined.manifest.updated(members=members), joined.predictor.weights)
    with pytest.raises(ArtifactError, match="golden batch"):
        kf.load(path)


def test_one_member_alone_is_the_ordinary_model(fits):
    part, _ = fits[0]
    alone = Predictor([part.predictor.members[0]], part.predictor.weights)
    np.testing.assert_array_equal(alone.outputs(windows(fits)), part.predictor.outputs(windows(fits)))
    assert not any(isinstance(layer, keras.Model) for layer in alone.network.layers)
