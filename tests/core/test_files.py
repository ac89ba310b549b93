"""Files are written whole or not at all."""

import contextlib
import errno
import json
import math
import os
import stat
import sys
import threading
import time

import pytest

from kerasforecast.errors import InputError, KerasForecastError, LockedError
from kerasforecast.runtime import files, locks
from kerasforecast.runtime.files import (
    atomic_write,
    check_writable,
    json_text,
    remove_folder,
    write_folder,
)
from kerasforecast.runtime.locks import locked, locked_in_turn

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
ordinary_user = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to root")

OLD, NEW = b"the old content", b"the new content, which is longer"


class Disk:
    """What goes wrong: the step named, of those that write a file, fails with `error`."""

    STEPS = ("write", "fsync", "chmod", "rename")

    def __init__(self, monkeypatch):
        self._patch = monkeypatch

    def fails_at(self, step, error):
        def fail(*_, **__):
            raise error

        owner, name = {
            "write": (files.os, "fdopen"),
            "fsync": (files.os, "fsync"),
            "chmod": (files.Path, "chmod"),
            "rename": (files.Path, "replace"),
        }[step]
        if step == "write":
            real = os.fdopen

            def half_written(handle, mode):
                file = real(handle, mode)
                whole = file.write
                wrapper = _Wrapped(file)
                wrapper.write = lambda data: (whole(data[: len(data) // 2]), file.flush(), fail())
                return wrapper

            fail_now = half_written
        else:
            fail_now = fail
        self._patch.setattr(owner, name, fail_now)


class _Wrapped:
    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def names_in(folder):
    return sorted(os.listdir(folder))


def test_a_new_file_is_whole_and_alone(tmp_path):
    atomic_write(tmp_path / "model.keras", NEW)
    assert (tmp_path / "model.keras").read_bytes() == NEW
    assert names_in(tmp_path) == ["model.keras"]


def test_missing_folders_are_made(tmp_path):
    atomic_write(tmp_path / "a" / "b" / "model.keras", NEW)
    assert (tmp_path / "a" / "b" / "model.keras").read_bytes() == NEW


def test_an_old_file_is_replaced_whole(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(NEW)
    atomic_write(path, OLD)
    assert path.read_bytes() == OLD
    assert names_in(tmp_path) == ["model.keras"]


def test_a_reader_of_the_old_file_keeps_reading_it(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(OLD)
    with path.open("rb") as reader:
        atomic_write(path, NEW)
        assert reader.read() == OLD


@pytest.mark.parametrize("step", Disk.STEPS)
def test_a_failure_leaves_the_old_file_and_no_temporary_one(tmp_path, disk, step):
    path = tmp_path / "model.keras"
    path.write_bytes(OLD)
    disk.fails_at(step, OSError(28, "No space left on device"))
    with pytest.raises(KerasForecastError) as caught:
        atomic_write(path, NEW)
    assert path.read_bytes() == OLD
    assert names_in(tmp_path) == ["model.keras"]
    assert (
        str(caught.value)
        == f"{path}: could not be written; what was there is unchanged. Received: No space left on device."
    )
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("step", Disk.STEPS)
def test_a_failure_leaves_nothing_where_there_was_nothing(tmp_path, disk, step):
    disk.fails_at(step, OSError(5, "Input/output error"))
    with pytest.raises(KerasForecastError):
        atomic_write(tmp_path / "model.keras", NEW)
    assert names_in(tmp_path) == []


WRITERS = {
    "file": lambda folder: atomic_write(folder / "model.keras", NEW),
    "folder": lambda folder: write_folder(folder / "00000001", {"facts.json": NEW}),
    "check": check_writable,
    "lock": lambda folder: locked(folder).__enter__(),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("number", "code"),
    [
        *((number, 1) for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EMFILE)),
        *((number, 2) for number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)),
    ],
)
def test_a_file_that_cannot_even_be_made_is_a_failed_run_or_the_user_s_choice_of_place(
    tmp_path, monkeypatch, writer, number, code
):
    """The system's limits are 1, as they are in the midst of a write; a place that is none is 2."""

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    for owner, name in ((files.tempfile, "mkstemp"), (files.tempfile, "mkdtemp"), (files.tempfile, "TemporaryFile")):
        monkeypatch.setattr(owner, name, refuse)
    monkeypatch.setattr(locks.os, "open", refuse)
    with pytest.raises(KerasForecastError) as caught:
        WRITERS[writer](tmp_path)
    assert caught.value.exit_code == code
    assert os.strerror(number) in str(caught.value)
    assert names_in(tmp_path) == []


def test_whoever_waits_for_a_lock_says_so_once_and_has_it_when_it_is_given_up(tmp_path):
    said, order, holder = [], [], contextlib.ExitStack()
    holder.enter_context(locked(tmp_path))

    def give_up():
        said.append("waiting")
        threading.Timer(0.05, lambda: (order.append("given up"), holder.close())).start()

    with locked_in_turn(tmp_path, give_up, poll=0.01):
        order.append("held")
        with pytest.raises(LockedError), locked(tmp_path):
            pass
    assert said == ["waiting"] and order == ["given up", "held"]
    with locked_in_turn(tmp_path, give_up):  # free: nobody waits
        assert said == ["waiting"]


def test_a_lock_s_folder_that_its_holder_removes_in_this_moment_is_made_again(tmp_path, monkeypatch):
    opened, real = [], os.open

    def late(path, *rest):
        if not opened:
            (tmp_path / "5").rmdir()
        opened.append(path)
        return real(path, *rest)

    monkeypatch.setattr(locks.os, "open", late)
    with locked(tmp_path / "5"), pytest.raises(LockedError), locked(tmp_path / "5"):
        pass
    assert len(opened) == 3


def test_what_a_killed_writer_left_goes_with_the_next_write_and_a_living_one_s_stays(tmp_path):
    left, writing_now, foreign = (
        tmp_path / name for name in (".kerasforecast.a.tmp", ".kerasforecast.b.tmp", ".a.tmp")
    )
    for path in (left, writing_now, foreign):
        path.write_bytes(OLD)
    for path in (left, foreign):
        os.utime(path, (time.time() - 7_200,) * 2)
    atomic_write(tmp_path / "model.keras", NEW)
    assert names_in(tmp_path) == sorted([writing_now.name, foreign.name, "model.keras"])


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_folder_whose_removal_is_cut_short_is_gone_all_the_same(tmp_path, monkeypatch, steps):
    write_folder(tmp_path / "00000001", {"arrays.npz": OLD, "facts.json": NEW})
    real, done = os.unlink, []

    def unlink(*args, **options):
        if len(done) == steps:
            raise KeyboardInterrupt
        done.append(args)
        real(*args, **options)

    monkeypatch.setattr(os, "unlink", unlink)
    with contextlib.suppress(KeyboardInterrupt):
        remove_folder(tmp_path / "00000001")
    monkeypatch.undo()
    assert "00000001" not in names_in(tmp_path)
    for left in tmp_path.iterdir():
        os.utime(left, (time.time() - 7_200,) * 2)
    atomic_write(tmp_path / "model.keras", NEW)
    assert names_in(tmp_path) == ["model.keras"]


@pytest.mark.parametrize("step", Disk.STEPS)
def test_an_interrupt_leaves_the_old_file_and_goes_on_up(tmp_path, disk, step):
    path = tmp_path / "model.keras"
    path.write_bytes(OLD)
    disk.fails_at(step, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, NEW)
    assert path.read_bytes() == OLD
    assert names_in(tmp_path) == ["model.keras"]


def test_the_bytes_are_synced_before_the_name_is_given_and_the_folder_after(tmp_path, monkeypatch):
    steps = []
    real_sync, real_replace = os.fsync, files.Path.replace

    def sync(handle):
        steps.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        real_sync(handle)

    def replace(self, target):
        steps.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(files.os, "fsync", sync)
    monkeypatch.setattr(files.Path, "replace", replace)
    atomic_write(tmp_path / "model.keras", NEW)
    assert steps == ["sync file", "rename", *(["sync folder"] if os.name != "nt" else [])]


@posix
def test_a_folder_that_cannot_be_synced_gets_its_file_all_the_same(tmp_path, monkeypatch):
    real = os.fsync

    def sync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")  # what some network file systems answer
        real(handle)

    monkeypatch.setattr(files.os, "fsync", sync)
    atomic_write(tmp_path / "model.keras", NEW)
    assert (tmp_path / "model.keras").read_bytes() == NEW


@posix
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_what_the_umask_leaves(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        atomic_write(tmp_path / "model.keras", NEW)
        assert os.umask(mask) == mask  # and the umask itself is as it was
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model.keras").stat().st_mode) == mode


@pytest.mark.parametrize("name", ["a" * 200, "é" * 100, "価" * 84])
def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path, name):
    atomic_write(tmp_path / name, NEW)
    assert names_in(tmp_path) == [name]


def test_a_folder_in_the_file_s_place_is_refused_and_kept(tmp_path):
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(KerasForecastError, match="must be a file"):
        atomic_write(tmp_path / "model.keras", NEW)
    assert (tmp_path / "model.keras").is_dir()
    assert names_in(tmp_path) == ["model.keras"]


@posix
def test_a_device_in_the_file_s_place_is_refused_and_kept(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # stands for /dev/null, which root could replace by a file
    with pytest.raises(InputError, match="pipe"):
        atomic_write(tmp_path / "pipe", NEW)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert names_in(tmp_path) == ["pipe"]


@posix
def test_a_link_stays_a_link_and_its_target_gets_the_content(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "real.keras").write_bytes(OLD)
    (tmp_path / "model.keras").symlink_to(tmp_path / "disk" / "real.keras")
    atomic_write(tmp_path / "model.keras", NEW)
    assert (tmp_path / "model.keras").is_symlink()
    assert (tmp_path / "disk" / "real.keras").read_bytes() == NEW


@pytest.mark.parametrize("write", [lambda folder: atomic_write(folder / "model.keras", NEW), check_writable])
def test_a_file_in_the_folder_s_place_is_refused(tmp_path, write):
    (tmp_path / "models").write_bytes(OLD)
    with pytest.raises(InputError, match="models: must be a folder that can be written"):
        write(tmp_path / "models")
    assert (tmp_path / "models").read_bytes() == OLD


@ordinary_user
@pytest.mark.parametrize("write", [lambda folder: atomic_write(folder / "model.keras", NEW), check_writable])
def test_a_folder_without_permission_is_refused(tmp_path, write):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="Permission denied"):
            write(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_checking_a_folder_makes_it_and_leaves_it_empty(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert names_in(tmp_path / "a" / "b") == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_refuses_numbers_that_json_does_not_have(number):
    with pytest.raises(ValueError, match="JSON"):
        json_text({"rmse": [1.0, number]})


def test_json_keeps_letters_and_ends_its_last_line():
    text = json_text({"Schluß": 1.5})
    assert "Schluß" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {"Schluß": 1.5}


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk_is_reported_as_such(tmp_path, monkeypatch):
    real = files.tempfile.mkstemp

    def on_a_full_disk(**options):
        handle, name = real(**options)
        os.close(handle)
        return os.open("/dev/full", os.O_WRONLY), name

    monkeypatch.setattr(files.tempfile, "mkstemp", on_a_full_disk)
    with pytest.raises(KerasForecastError, match="No space left on device"):
        atomic_write(tmp_path / "model.keras", NEW)
    assert names_in(tmp_path) == []
