"""The readers of zip, HDF5 and JSON agree with the libraries on what we write, and take nothing else."""

import io
import json
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kerasforecast.artifact.format import archive
from kerasforecast.artifact.format.archive import MEMBERS, WEIGHTS, pack, unpack
from kerasforecast.artifact.format.graph import check_graph
from kerasforecast.artifact.format.hdf5 import read_arrays
from kerasforecast.artifact.format.strict_json import VALUE_LIMIT, parse_json
from kerasforecast.artifact.reader import read, read_manifest
from kerasforecast.errors import ArtifactError
from tests.core.written_run import write_run

CONTENT = {name: name.encode() * 10 for name in MEMBERS}


def hdf5(arrays, **options):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        for path, array in arrays.items():
            file[path] = array
    return buffer.getvalue()


@pytest.mark.parametrize("deflated", [False, True])
def test_an_archive_comes_back_and_is_a_zip_to_everyone(deflated):
    data = pack(CONTENT, deflated=deflated)
    assert {name: bytes(view) for name, view in unpack(data, "x").items()} == CONTENT
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == CONTENT


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("system", [0, 3])
def test_archives_of_python_s_own_writer_are_read(system, kind):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as writing:
        for name, content in CONTENT.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = system
            writing.writestr(entry, content, kind)
    assert set(unpack(buffer.getvalue(), "x")) == set(MEMBERS)


def test_every_bit_of_an_archive_counts():
    data = pack(dict.fromkeys(MEMBERS, b"1"))
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(ArtifactError):
            unpack(bytes(changed), "x")


def test_every_bit_of_a_deflated_archive_counts_or_says_the_same():
    data, refused = pack(CONTENT, deflated=True), 0
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        try:
            assert {name: bytes(view) for name, view in unpack(bytes(changed), "x").items()} == CONTENT
        except ArtifactError:
            refused += 1
    assert refused >= 8 * len(data) - 7 * len(MEMBERS)  # the bits that fill up the last byte of each member


def test_no_more_is_inflated_than_a_model_may_hold(monkeypatch):
    bomb = pack({name: bytes(10**7) if name == WEIGHTS else b"{}" for name in MEMBERS}, deflated=True)
    assert len(unpack(bomb, "x")[WEIGHTS]) == 10**7
    monkeypatch.setattr(archive, "SIZE_LIMIT", 10**6)
    tracemalloc.start()
    with pytest.raises(ArtifactError):
        unpack(bomb, "x")
    assert tracemalloc.get_traced_memory()[1] < 3 * 10**6
    tracemalloc.stop()


@given(st.binary(max_size=300))
@example(b"PK\3\4" * 50)
@example(b"PK\5\6" + bytes(18))
def test_any_bytes_are_no_archive_and_no_weights(data):
    for reader in (unpack, read_arrays):
        with pytest.raises(ArtifactError) as caught:
            reader(data, "x.keras")
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("count", [1, 8, 9, 40, 500])
def test_arrays_are_those_that_the_hdf5_library_reads(count):
    random = np.random.default_rng(count)
    shapes = [(3,), (2, 5), (1, 1), (4, 3, 2)]
    arrays = {f"layers/part_{n % 40}/vars/{n}": random.normal(size=shapes[n % 4]).astype("f4") for n in range(count)}
    found = read_arrays(hdf5(arrays), "x")
    assert found.keys() == arrays.keys()
    for path, array in arrays.items():
        np.testing.assert_array_equal(found[path], array)


@pytest.mark.parametrize(
    "data",
    [
        hdf5({"a": np.zeros(3, "f4")}, libver="latest"),
        hdf5({"a": np.zeros(3, "f4")}, userblock_size=512),
        hdf5({"a": np.zeros(3, "f8")}),
        hdf5({"a": np.zeros(3, "i4")}),
        hdf5({"a": np.float32(1)}),
        hdf5({"a": np.zeros((0, 3), "f4")}),
        hdf5({"/".join("abcdefghijkl"): np.zeros(3, "f4")}),
        hdf5({"a\u202eb": np.zeros(3, "f4")}),
    ],
    ids=["newer layout", "bytes before", "f8", "i4", "scalar", "empty", "deep", "right to left"],
)
def test_other_hdf5_files_are_refused(data):
    with pytest.raises(ArtifactError):
        read_arrays(data, "x")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe1\0",
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 1, "a": 2}',
        b"[NaN]",
        b"[-Infinity]",
        b"9" * 5_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"[" + b"1," * VALUE_LIMIT + b"1]",
        b" " * (16 * 2**20 + 1),
    ],
)
def test_json_out_of_bounds_is_refused(text):
    with pytest.raises(ArtifactError) as caught:
        parse_json(text, "x.keras: config.json")
    assert len(str(caught.value)) < 500


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=20))
def test_json_within_bounds_is_read(content):
    assert parse_json(json.dumps(content).encode(), "x") == content


@pytest.mark.parametrize(
    "node",
    [
        {"module": "keras.layers", "class_name": "Lambda"},
        {"module": "os", "class_name": "system"},
        {"module": None, "class_name": "__lambda__"},
        {"module": "builtins", "class_name": "exec", "registered_name": None},
        {"module": "keras.layers"},
        {"registered_name": "evil>Run"},
        {"module": "keras.layers", "class_name": "Dense", "registered_name": "evil>Dense"},
        {"module": ["keras.layers"], "class_name": "Dense"},
        {"class_name": {}},
        {"activation": "exec"},
        {"recurrent_activation": {"class_name": "__slice__"}},
        {"units": 101},
        {"units": -1},
        {"units": 1.5},
        {"shape": [None, 101]},
        {"shape": [[1]]},
    ],
)
def test_a_graph_names_known_things_of_known_size(node):
    known = {("keras.layers", "LSTM"), ("keras.layers", "Dense")}
    check_graph(json.dumps({"config": [{"units": 100, "activation": "tanh"}]}).encode(), known, 100, "x")
    with pytest.raises(ArtifactError, match=r"config\.json must"):
        check_graph(json.dumps({"config": [[node]]}).encode(), known, 100, "x")


def test_a_graph_names_the_layers_of_its_members_alone():
    graph = json.dumps({"module": "keras.layers", "class_name": "LSTM", "config": {}}).encode()
    check_graph(graph, {("keras.layers", "LSTM")}, 1, "x")
    with pytest.raises(ArtifactError, match=r"Received: 'LSTM' of 'keras\.layers'"):
        check_graph(graph, {("keras.layers", "GRU")}, 1, "x")


def test_a_manifest_is_read_of_whole_files_alone(tmp_path):
    path = write_run(tmp_path)
    manifest, _ = read(path)
    assert read_manifest(path) == manifest
    members = {name: bytes(content) for name, content in unpack(path.read_bytes(), "").items()}
    path.write_bytes(pack(members | {WEIGHTS: members[WEIGHTS] + b"\0"}))
    with pytest.raises(ArtifactError, match="altered or damaged since it was written"):
        read_manifest(path)
