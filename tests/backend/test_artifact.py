"""The model file: what is in it, that it comes back the same, and that nothing else is let in."""

import io
import json
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.artifact.exchange.foreign import known_range
from kerasforecast.artifact.reader import KERAS_MEMBERS, MANIFEST, WEIGHTS, read
from kerasforecast.artifact.writer import Exporter
from kerasforecast.errors import ArtifactError, InputError, OptionError
from kerasforecast.models.member import Member
from kerasforecast.sections.network import NetworkConfig
from tests.backend.conftest import SMALL, prices

PLAIN_KERAS = """
import sys
sys.modules["kerasforecast"] = None  # any import of it fails
import keras, numpy
model = keras.models.load_model(sys.argv[1])
numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2]), verbose=0))
"""


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path, target, change, compression=zipfile.ZIP_STORED):
    """A copy of the archive with `change` made to its members."""
    content = members(path)
    change(content)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, compression)
    return target


def test_file_holds_keras_own_members_and_the_manifest_uncompressed(saved):
    with zipfile.ZipFile(saved) as archive:
        assert archive.namelist() == [*KERAS_MEMBERS, MANIFEST]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_weights_come_back_bit_for_bit(small, saved):
    _, weights = read(saved)
    for ours, theirs in zip(small.predictor.weights, weights, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_loaded_model_forecasts_the_same(small, saved, frame):
    loaded = kf.load(saved)
    windows = small.series.values[-40:].reshape(5, 8, 1)
    np.testing.assert_array_equal(loaded.predict(windows), small.predict(windows))
    assert loaded.manifest == small.manifest
    assert loaded.golden_error() < 1e-5
    assert loaded.forecast(3, frame).equals(small.forecast(3))


@pytest.mark.parametrize("scaling", ["anchor", "difference", "minmax", "standard", "none"])
def test_plain_keras_opens_the_file_without_this_package(scaling, tmp_path):
    columns = ("Close", "Volume")
    model = kf.fit(prices(columns=columns), past=("Volume",), scaling=scaling, horizon=2, **SMALL)
    path = model.save(tmp_path / "plain.keras")
    windows = model.series.values[:80].reshape(10, 8, 2).astype(np.float32)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(windows, verbose=0), model.predict(windows), rtol=2e-6)
    assert all(not type(layer).__module__.startswith("kerasforecast") for layer in loaded.layers)


def test_a_process_without_this_package_gets_the_same_forecasts(small, saved, tmp_path):
    windows = small.series.values[:80].reshape(10, 8, 1).astype(np.float32)
    np.save(tmp_path / "in.npy", windows)
    arguments = [str(saved), str(tmp_path / "in.npy"), str(tmp_path / "out.npy")]
    subprocess.run([sys.executable, "-c", PLAIN_KERAS, *arguments], check=True, timeout=300)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), small.predict(windows), rtol=1e-6)


def test_manifest_tells_where_the_model_came_from(small, saved):
    manifest = json.loads(members(saved)[MANIFEST])
    assert manifest["backend"] == keras.backend.backend()
    assert manifest["roles"] == {"target": "Close", "past": [], "known": [], "static": [], "calendar": {}}
    assert manifest["data"]["sha256"] == small.series.sha256
    assert manifest["data"]["split"]["test"]["windows"] == small.test.scores["n"]
    assert manifest["metrics"]["test"] == small.test.scores
    assert manifest["config"]["network"]["options"]["units"] == 4
    assert manifest["members"][0]["network"] == manifest["config"]["network"]
    assert manifest["members"][0]["parameters"] == {
        "trained": 277,
        "saved": 245,
    }  # 4(4+16+4) + 4(16+16+4) + 5, and 32 second biases
    assert manifest["versions"]["keras"] == keras.__version__


def test_writing_leaves_no_temporary_file_and_replaces_whole(small, saved):
    before = saved.read_bytes()
    small.save(saved)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
    assert members(saved)[WEIGHTS] == zipfile.ZipFile(io.BytesIO(before)).read(WEIGHTS)


def test_no_network_is_written_that_would_not_be_read():
    scaling = known_range(60.5, 215.9)
    with pytest.raises(InputError, match="at most 32,768 rows times layers"):
        network = NetworkConfig(units=1, layers=4, window=10_000, scaling=scaling.kind)
        Exporter([Member(network=network, scaling=scaling)])


def test_only_keras_files_are_written(small, tmp_path):
    with pytest.raises(OptionError, match=r"\.keras file. Received: .*model\.h5"):
        small.save(tmp_path / "model.h5")


def drop_manifest(content):
    del content[MANIFEST]


def extra_member(content):
    content["../evil.py"] = b"print()"


def altered_config(content):
    content["config.json"] = content["config.json"].replace(b"tanh", b"relu")


def unknown_field(content):
    content[MANIFEST] = json.dumps(json.loads(content[MANIFEST]) | {"exec": "rm"}).encode()


def newer_schema(content):
    content[MANIFEST] = json.dumps(json.loads(content[MANIFEST]) | {"schema_version": 3}).encode()


def huge_network(content):
    manifest = json.loads(content[MANIFEST])
    manifest["members"][0]["network"]["options"]["units"] = 4096
    content[MANIFEST] = json.dumps(manifest).encode()


def other_network(content):
    manifest = json.loads(content[MANIFEST])
    manifest["members"][0]["network"]["options"]["units"] = 5
    content[MANIFEST] = json.dumps(manifest).encode()


def no_json(content):
    content[MANIFEST] = b"\xff\xfe{"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_manifest, "without kerasforecast.json is not one of ours"),
        (extra_member, "must hold metadata.json, config.json"),
        (altered_config, "config.json was altered or damaged"),
        (unknown_field, "exec: extra inputs are not permitted"),
        (newer_schema, "schema_version: input should be 2"),
        (huge_network, "must have at most 33,554,432 parameters"),
        (other_network, "must list the weights that its members imply"),
        (no_json, "kerasforecast.json: must be JSON"),
    ],
)
def test_altered_archives_are_refused_in_one_line(saved, tmp_path, change, message):
    path = rewritten(saved, tmp_path / "bad.keras", change)
    with pytest.raises(ArtifactError, match=message) as caught:
        kf.load(path)
    assert "\n" not in str(caught.value)


def test_a_deflated_file_is_smaller_and_opens_here_and_in_keras(saved, tmp_path):
    model = kf.load(saved)
    path = model.save(tmp_path / "packed.keras", deflated=True)
    assert path.stat().st_size < 0.7 * saved.stat().st_size
    windows = model.manifest.golden.windows
    expected = model.predictor.outputs(windows)
    np.testing.assert_array_equal(kf.load(path).predictor.outputs(windows), expected)
    plain = keras.saving.load_model(path).predict(windows.fed(), verbose=0)
    np.testing.assert_allclose(np.asarray(plain).reshape(expected.shape), expected, rtol=1e-5)
    mixed = rewritten(saved, tmp_path / "bad.keras", lambda content: None, zipfile.ZIP_BZIP2)
    with pytest.raises(ArtifactError, match="must be a whole"):
        kf.load(mixed)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_truncated_files_are_refused(saved, tmp_path, share):
    data = saved.read_bytes()
    path = tmp_path / "cut.keras"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ArtifactError, match="must be a whole"):
        kf.load(path)


def with_weights(saved, tmp_path, change):
    """The model with its HDF5 changed and all hashes made to fit, as a forger would."""
    import hashlib

    def forge(content):
        buffer = io.BytesIO(content[WEIGHTS])
        with h5py.File(buffer, "r+") as file:
            change(file)
        content[WEIGHTS] = buffer.getvalue()
        manifest = json.loads(content[MANIFEST])
        manifest["hashes"][WEIGHTS] = hashlib.sha256(content[WEIGHTS]).hexdigest()
        content[MANIFEST] = json.dumps(manifest).encode()

    return rewritten(saved, tmp_path / "forged.keras", forge)


def replace_head(file, **options):
    array = file["layers/dense/vars/0"][()]
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset("0", data=array, **options)


def nan_in_head(file):
    file["layers/dense/vars/0"][0, 0] = np.nan


def other_head(file):
    file["layers/dense/vars/0"][...] = file["layers/dense/vars/0"][()] + 1


def soft_link(file):
    file["layers/dense/vars/1x"] = h5py.SoftLink("/layers/dense/vars/1")


def external_link(file):
    del file["layers/dense/vars/1"]
    file["layers/dense/vars/1"] = h5py.ExternalLink("/etc/passwd", "/")


def extra_dataset(file):
    file["layers/extra"] = np.zeros(3, np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (nan_in_head, "must be finite"),
        (other_head, "golden batch"),
        (soft_link, "plain datasets in groups|a link"),
        (external_link, "plain datasets in groups|a link"),
        (extra_dataset, "its weights must be the ones listed"),
        (lambda file: replace_head(file, chunks=(2, 1)), "plain float32 dataset"),
        (lambda file: replace_head(file, dtype="f8"), "plain float32 dataset"),
    ],
)
def test_forged_weights_are_refused(saved, tmp_path, change, message):
    with pytest.raises(ArtifactError, match=message):
        kf.load(with_weights(saved, tmp_path, change))


def test_a_folder_or_nothing_is_no_model(tmp_path):
    for path in (tmp_path, tmp_path / "absent.keras"):
        with pytest.raises(ArtifactError, match="no such model file"):
            kf.load(path)
