"""Generations on disk, and what may not change between a run and its resumption."""

import numpy as np
import pytest

from kerasforecast.config import Config
from kerasforecast.errors import InputError, OptionError
from kerasforecast.training.checkpoint import Checkpoint, check_same, newest, resumed_config

ARRAYS = {"model/0": np.arange(6, dtype=np.float32).reshape(2, 3), "optimizer/0": np.array(7)}


def saved(folder, count):
    checkpoint = Checkpoint(folder)
    for number in range(1, count + 1):
        checkpoint.save({"progress": number}, ARRAYS)
    return checkpoint


def test_what_is_saved_is_read_back(tmp_path):
    saved(tmp_path / "states", 1)
    found = newest(tmp_path / "states")
    assert found.facts == {"progress": 1}
    assert found.notes == ()
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_two_generations_are_kept_and_litter_is_not(tmp_path):
    (tmp_path / ".kerasforecast.x.tmp").mkdir()
    saved(tmp_path, 5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000004", "00000005"]


def test_another_runs_states_stay_until_this_one_has_saved(tmp_path):
    saved(tmp_path, 2)
    fresh = Checkpoint(tmp_path)
    assert newest(tmp_path).facts == {"progress": 2}
    fresh.save({"progress": "new"}, ARRAYS)
    assert [path.name for path in tmp_path.iterdir()] == ["00000003"]


def test_a_resumed_run_keeps_the_generation_it_came_from(tmp_path):
    saved(tmp_path, 2)
    Checkpoint(tmp_path, resumed=True).save({}, ARRAYS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000002", "00000003"]


@pytest.mark.parametrize("member", ["arrays.npz", "facts.json", "SHA256SUMS"])
def test_every_flipped_bit_is_seen(tmp_path, member):
    saved(tmp_path, 2)
    path = tmp_path / "00000002" / member
    good = path.read_bytes()
    for place in range(0, len(good), 37):
        bad = bytearray(good)
        bad[place] ^= 1 << place % 8
        path.write_bytes(bad)
        found = newest(tmp_path)
        assert found.facts == {"progress": 1}
        assert "00000002 is damaged" in found.notes[0]
    path.unlink()
    assert newest(tmp_path).facts == {"progress": 1}


def test_no_state_and_no_whole_state_are_refused(tmp_path):
    with pytest.raises(InputError, match="Received: none"):
        newest(tmp_path / "absent")
    saved(tmp_path, 2)
    for path in tmp_path.glob("*/arrays.npz"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="2 damaged ones"):
        newest(tmp_path)


def test_options_not_given_are_the_runs_own_and_others_are_refused(tmp_path):
    config = Config.from_options(units=7, past=("Open", "High"), end="2003-01-01", clipnorm=5.0)
    Checkpoint(tmp_path).save({"run": {"config": config.model_dump(mode="json")}}, ARRAYS)
    found = newest(tmp_path)
    assert resumed_config(found, {}) == config
    assert resumed_config(found, {"units": "7"}) == config
    assert resumed_config(found, {"file": "elsewhere.csv"}).data.file == "elsewhere.csv"
    with pytest.raises(OptionError, match="units was 7, is 8"):
        resumed_config(found, {"units": 8})


def test_every_difference_is_named():
    with pytest.raises(OptionError, match="a was 1, is 2; c was 3, is None"):
        check_same({"x": {"a": 1, "b": (1,)}, "y": {"c": 3}}, {"x": {"a": 2, "b": [1]}})
