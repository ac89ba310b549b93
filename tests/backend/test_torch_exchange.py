"""Weights to and from PyTorch, against real `torch.nn` modules; and the error where PyTorch is absent."""

import importlib.util
import json
import pickle

import numpy as np
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.models.network import build, merged_weights, weighted_layers
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training.train import compile_model

HAS_TORCH = importlib.util.find_spec("torch") is not None
NONE = FittedScaling(kind="none", transforms=("linear",), offset=(0.0,), scale=(1.0,))

needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def stock_lstm(linear="linear", dropout=0.2, **sizes):
    """The specification's StockLSTM."""
    import torch

    class StockLSTM(torch.nn.Module):
        def __init__(self, input_size=1, hidden_size=50, num_layers=2):
            super().__init__()
            self.lstm = torch.nn.LSTM(input_size, hidden_size, num_layers, batch_first=True, dropout=dropout)
            self.dropout = torch.nn.Dropout(dropout)
            setattr(self, linear, torch.nn.Linear(hidden_size, 1))

        def forward(self, x):
            out, _ = self.lstm(x)
            return getattr(self, linear)(self.dropout(out[:, -1, :]))

    torch.manual_seed(0)
    return StockLSTM(**sizes)


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch is installed")
def test_without_pytorch_the_extra_is_named(tmp_path):
    result = run("import-torch", tmp_path / "w.pt", "--out", tmp_path / "m.keras")
    assert result.exit_code == 2
    assert "kerasforecast[torch]" in result.stderr
    assert list(tmp_path.iterdir()) == []


@needs_torch
@pytest.mark.parametrize("linear", ["linear", "fc", "head"])
def test_import_agrees_with_the_pytorch_model(tmp_path, linear):
    import torch

    network = stock_lstm(linear).eval()
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 31_051
    torch.save(network.state_dict(), tmp_path / "w.pt")
    result = run("import-torch", tmp_path / "w.pt", "--out", tmp_path / "m.keras", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["parameters"] == {"trained": 31_051, "saved": 30_651}
    x = np.random.default_rng(0).uniform(size=(32, 60, 1)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
        _, (h, c) = network.lstm(torch.from_numpy(x))
    model = kf.load(tmp_path / "m.keras")
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-6)
    ours_h, ours_c = model.states(x)
    np.testing.assert_allclose(ours_h, h.numpy(), atol=1e-6)
    np.testing.assert_allclose(ours_c, c.numpy(), atol=2e-6)


@needs_torch
def test_import_with_a_price_range_takes_raw_prices(tmp_path):
    import torch

    network = stock_lstm().eval()
    torch.save(network.state_dict(), tmp_path / "w.pt")
    assert run("import-torch", tmp_path / "w.pt", "--out", tmp_path / "m.keras", "--minmax", 50, 150).exit_code == 0
    prices = np.random.default_rng(0).uniform(50, 150, size=(8, 60, 1)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy((prices - 50) / 100)).numpy() * 100 + 50
    np.testing.assert_allclose(kf.load(tmp_path / "m.keras").predict(prices), expected, atol=1e-4)


@needs_torch
def test_export_and_import_are_inverse(tmp_path, small, saved):
    import torch

    result = run("export", saved, "--to", "torch", "--out", tmp_path / "w.pt", "--linear-name", "fc")
    assert result.exit_code == 0, result.stderr
    network = stock_lstm("fc", hidden_size=4).eval()
    network.load_state_dict(torch.load(tmp_path / "w.pt", weights_only=True))
    raw = small.series.values[:16].reshape(2, 8, 1)
    scaled = small.manifest.members[0].scaling.inputs(raw).astype(np.float32)
    with torch.no_grad():
        forecast = network(torch.from_numpy(scaled)).numpy()
    np.testing.assert_allclose(small.manifest.members[0].scaling.restore(raw, forecast), small.predict(raw), rtol=1e-6)
    assert run("import-torch", tmp_path / "w.pt", "--out", tmp_path / "m.keras", "--window", 8).exit_code == 0
    for ours, theirs in zip(kf.load(tmp_path / "m.keras").predictor.weights, small.predictor.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@needs_torch
def test_fifty_adam_steps_stay_beside_pytorch():
    """Same start, same batches, no dropout: weight by weight within 1e-4 after 50 steps, second bias included."""
    import torch

    network = stock_lstm(dropout=0.0)
    config = NetworkConfig(scaling="none", dropout=0.0)
    model = build(config, NONE, "training")
    lstm_1, lstm_2, head = weighted_layers(model)
    state = {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}

    def theirs(number):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        arrays = [network.state_dict()[f"lstm.{name}_l{number}"].numpy() for name in names]
        return [array.T if array.ndim == 2 else array for array in arrays]

    lstm_1.set_weights(theirs(0))
    lstm_2.set_weights(theirs(1))
    head.set_weights([state["linear.weight"].T, state["linear.bias"]])

    random = np.random.default_rng(0)
    batches = [
        (x, (x[:, -1] * 0.9 + 0.05).astype(np.float32))
        for x in (random.uniform(size=(32, 60, 1)).astype(np.float32) for _ in range(50))
    ]
    compile_model(model, TrainingConfig())
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    for x, y in batches:
        model.train_on_batch(x, y)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(network(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        optimizer.step()
    for layer, number in ((lstm_1, 0), (lstm_2, 1)):
        for ours, reference in zip(layer.get_weights(), theirs(number), strict=True):
            np.testing.assert_allclose(ours, reference, atol=1e-4)
    moved = np.abs(lstm_1.get_weights()[1] - state["lstm.weight_hh_l0"].T).max()
    assert moved > 1e-2
    assert len(merged_weights(model)) == 8


@needs_torch
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no pytorch file", "state_dict"),
        (pickle.dumps({"a": 1}), "state_dict"),
        ("model", "state_dict"),
        ("gru", "must hold one LSTM"),
        ("bidirectional", "one LSTM that runs forward"),
        ("two columns", "input_size 2"),
        ("no linear", "one linear layer"),
        ("nan", "finite"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, content, words):
    import torch

    path = tmp_path / "w.pt"
    state = stock_lstm(hidden_size=3).state_dict()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "model":
        torch.save(torch.nn.Linear(1, 1), path)
    elif content == "gru":
        torch.save(torch.nn.Linear(1, 1).state_dict(), path)
    elif content == "bidirectional":
        torch.save(torch.nn.LSTM(1, 3, bidirectional=True).state_dict(), path)
    elif content == "two columns":
        torch.save(stock_lstm(hidden_size=3, input_size=2).state_dict(), path)
    elif content == "no linear":
        torch.save({name: value for name, value in state.items() if "linear" not in name}, path)
    else:
        torch.save(state | {"linear.bias": torch.tensor([float("nan")])}, path)
    result = run("import-torch", path, "--out", tmp_path / "m.keras")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert not (tmp_path / "m.keras").exists()
