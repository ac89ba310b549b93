"""ONNX: the same numbers as Keras for every kind of network, opened without Keras, and nothing else let in."""

import sys

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

import kerasforecast as kf
from kerasforecast.api.exporting import export
from kerasforecast.artifact.exchange import formats
from kerasforecast.artifact.onnx import writer
from kerasforecast.artifact.onnx.operations import OPERATIONS
from kerasforecast.artifact.onnx.packing import MANIFEST, packed
from kerasforecast.artifact.onnx.reader import read_onnx
from kerasforecast.artifact.onnx.tensors import Nodes, Tensor
from kerasforecast.artifact.onnx.writer import onnx_bytes
from kerasforecast.artifact.parity import TOLERANCE, parity
from kerasforecast.artifact.reader import read_network
from kerasforecast.errors import ArtifactError, InputError, OptionError
from kerasforecast.forecasting.onnx_predictor import OnnxPredictor
from kerasforecast.forecasting.predictor import Predictor
from tests.core.helpers import run_command
from tests.extras.networks import FAMILIES, RULES, SCALINGS, member, written

QUANTILES = (0.1, 0.5, 0.9)
EVERYTHING = {"levels": QUANTILES, "known": 2, "static": True}


def worst(path, *members):
    manifest, weights = written(path, *members)
    found = path.with_suffix(".onnx")
    found.write_bytes(onnx_bytes(*read_network(path)))
    read, content = read_onnx(found)
    assert read == manifest
    return max(
        check.error
        for check in parity(manifest, Predictor(members, weights), OnnxPredictor(members, content, str(found)))
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_with_quantiles_and_columns_of_every_role(family, tmp_path):
    more = {"levels": QUANTILES} if family in RULES else EVERYTHING  # a rule sees the target alone
    more = {**more, "levels": ()} if family == "diffusion" else more  # which draws paths
    assert worst(tmp_path / "m.keras", member(family, SCALINGS["level by mean and spread"], **more)) <= TOLERANCE


@pytest.mark.parametrize("kind", SCALINGS)
def test_every_scaling(kind, tmp_path):
    assert worst(tmp_path / "m.keras", member("gru, layer norm", SCALINGS[kind], levels=QUANTILES)) <= TOLERANCE


def test_an_ensemble_whose_members_see_windows_of_their_own(tmp_path):
    members = member("lstm", weight=0.25), member("nhits", weight=0.5, window=6), member("lstm", weight=0.25)
    assert worst(tmp_path / "m.keras", *members) <= TOLERANCE


def test_an_ensemble_has_the_median_of_paths(tmp_path):
    members = member("diffusion", weight=0.25), member("nhits", weight=0.75, window=6)
    assert worst(tmp_path / "m.keras", *members) <= TOLERANCE


@pytest.mark.parametrize(("name", "exact"), [("Log1p", np.log1p), ("Expm1", np.expm1)])
def test_moves_of_a_price_keep_their_digits(name, exact):
    nodes = Nodes()
    found = OPERATIONS[name](nodes, {}, Tensor("x", (None,)))
    values = [onnx.helper.make_tensor_value_info(each, 1, ["batch"]) for each in ("x", found.name)]
    arrays = [onnx.numpy_helper.from_array(array, key) for key, array in nodes.constants.items()]
    graph = onnx.helper.make_graph(nodes.nodes, "g", values[:1], values[1:], arrays)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    import onnxruntime

    x = np.concatenate([np.geomspace(1e-30, 0.9, 5_000), -np.geomspace(1e-30, 0.9, 5_000), [0.0, 5.0]])
    (computed,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x.astype(np.float32)})
    np.testing.assert_allclose(computed, exact(x.astype(np.float32).astype(np.float64)), rtol=6e-7)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A small trained model, its folder, and its ONNX file."""
    folder = tmp_path_factory.mktemp("fitted")
    model = kf.fit(end="2002-01-01", window=8, units=4, layers=1, epochs=1, horizon=2)
    path = model.save(folder / "ibm.keras")
    return model, folder, export(path)


def test_a_fit_as_onnx_forecasts_and_is_scored_alike(fitted):
    model, _, path = fitted
    loaded = kf.load(path)
    np.testing.assert_allclose(loaded.forecast(5), model.forecast(5), rtol=1e-6)
    theirs, ours = (each.evaluate(model.panel).scores["model"]["rmse"] for each in (loaded, model))
    assert theirs == pytest.approx(ours, rel=1e-5)
    assert loaded.verdict == model.verdict


def test_an_onnx_file_needs_neither_keras_nor_a_backend(fitted):
    *_, path = fitted
    without = ("keras", "torch", "jax", "tensorflow", "onnx")
    done = run_command("predict", str(path), "--steps", "3", "--levels", "0.1,0.9", hidden=without)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "date,forecast,q0.1,q0.9"
    assert len(lines) == 4
    told = run_command("inspect", str(path), hidden=without)
    assert told.code == 0, told.err
    assert "golden batch met" in told.out


def test_the_command_says_what_it_wrote_and_how_close_it_is(fitted):
    from kerasforecast_cli.main import cli

    _, folder, _ = fitted
    out = folder / "again.onnx"
    done = CliRunner().invoke(cli, ["export", str(folder / "ibm.keras"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "scaled units of Keras" in done.output
    assert (folder / "again.onnx.parity.json").is_file()
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def rounded(array):
    """As bfloat16 holds it."""
    return (array.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def changed(array):
    other = array.copy()
    other.flat[0] += 0.01
    return other


def turned(array):
    return np.ascontiguousarray(array[..., ::-1])


@pytest.mark.parametrize("fault", [rounded, changed, turned])
def test_a_file_that_computes_something_else_is_not_written(fitted, fault, monkeypatch):
    _, folder, _ = fitted

    def faulty(manifest, graph, arrays):
        return onnx_bytes(manifest, graph, {name: fault(array) for name, array in arrays.items()})

    monkeypatch.setattr(writer, "onnx_bytes", faulty)
    with pytest.raises(ArtifactError, match=r"Received: .* windows in a batch of \d"):
        export(folder / "ibm.keras", out=folder / "wrong.onnx")
    assert not list(folder.glob("*wrong*"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "excel"}, "onnx, litert"),
        ({"out": "here.pt"}, ".onnx"),
        ({"to": "stablehlo", "backend": "torch"}, "jax"),
    ],
)
def test_what_cannot_be_exported_is_one_line(fitted, options, words):
    with pytest.raises(OptionError, match=words):
        export(fitted[1] / "ibm.keras", **options)


def test_a_part_that_nobody_has_written_yet_is_one_line(fitted, monkeypatch):
    monkeypatch.delitem(OPERATIONS, "Log1p")
    with pytest.raises(ArtifactError, match=r"Received: 'Log1p'.*Keep the \.keras file"):
        export(fitted[1] / "ibm.keras", out=fitted[1] / "x.onnx")


def test_without_the_extra_it_is_named(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(OptionError, match=r"kerasforecast\[onnx\]"):
        export(fitted[1] / "ibm.keras", out=fitted[1] / "x.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(OptionError, match=r"kerasforecast\[onnx\]"):
        kf.load(fitted[2])


def test_what_needs_the_network_of_keras_says_so(fitted):
    loaded = kf.load(fitted[2])
    asked = (
        lambda: loaded.save("x.keras"),
        lambda: loaded.states(np.ones(8)),
        lambda: loaded.predictor.network,
        lambda: loaded.explain(fitted[0].panel),
    )
    for ask in asked:
        with pytest.raises(OptionError, match=r"Use its \.keras file"):
            ask()
    with pytest.raises(OptionError, match="ONNX Runtime"):
        kf.load(fitted[2], backend="torch")


# Strangers' files.


def outside(model):
    array = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(array, "/etc/hostname")
    array.ClearField("raw_data")


def custom(model):
    model.graph.node.add(op_type="Evil", domain="elsewhere", input=["past"], output=["x"])


def looping(model):
    model.graph.node.add(op_type="Loop", input=["past"], output=["x"])


def hidden(model):
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("body", model.graph))


def functions(model):
    model.functions.add(name="f", domain="d")


def enormous(model):
    array = next(each for each in model.graph.initializer if each.data_type == onnx.TensorProto.INT64)
    array.raw_data = np.full(len(array.raw_data) // 8, 10**9, np.int64).tobytes()


def infinite(model):
    array = next(each for each in model.graph.initializer if each.data_type == onnx.TensorProto.FLOAT)
    array.raw_data = np.full(len(array.raw_data) // 4, np.inf, np.float32).tobytes()


def nameless(model):
    del model.metadata_props[:]


def packed_enormous(model):
    bomb = packed("[" * 20_000_000)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {MANIFEST: bomb})


def packed_badly(model):
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {MANIFEST: packed("{}")[:-8]})


def twice(model):
    model.metadata_props.append(model.metadata_props[0])


def another_input(model):
    model.graph.input[0].name = "other"


def another_weight(model):
    array = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    array.raw_data = (np.frombuffer(array.raw_data, np.float32) * np.float32(1.5)).tobytes()


FAULTS = [
    *(outside, custom, looping, hidden, functions, enormous, infinite, nameless, twice, another_input),
    *(another_weight, packed_enormous, packed_badly),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_strangers_file_is_refused_in_one_line(fitted, fault, tmp_path):
    model = onnx.load(fitted[2])
    fault(model)
    path = tmp_path / "strange.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ArtifactError) as refusal:
        kf.load(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_damaged_file_is_refused_or_forecasts_as_before(fitted, tmp_path):
    content, path = fitted[2].read_bytes(), tmp_path / "damaged.onnx"
    random = np.random.default_rng(0)
    for place in random.integers(0, len(content), 60):
        whole = bytearray(content)
        whole[place] ^= 1 << int(random.integers(8))
        for damaged in (bytes(whole), content[:place]):
            path.write_bytes(damaged)
            try:
                loaded = kf.load(path)
            except ArtifactError:
                continue
            assert loaded.golden_error() <= TOLERANCE


def test_formats_say_what_they_are():
    assert all(each.what and (not each.suffix or each.suffix.startswith(".")) for each in formats.FORMATS.values())


@pytest.mark.parametrize("beside", [{"known": 1}, {"static": True}])
def test_a_state_dict_has_no_place_for_columns_beside_the_past(beside, tmp_path):
    written(tmp_path / "m.keras", member("lstm", **beside))
    with pytest.raises(InputError, match=r"no place for other columns than those of the past\. Received: columns"):
        kf.export(tmp_path / "m.keras", "torch")
    assert not (tmp_path / "m.pt").exists()


def test_a_state_dict_is_read_from_the_last_state(tmp_path):
    written(tmp_path / "m.keras", member("lstm, read row by row"))
    with pytest.raises(InputError, match=r"Only a plain LSTM .* Received: 2 x lstm of 5 units, read row by row"):
        kf.export(tmp_path / "m.keras", "torch")
