"""A full disk or a folder that cannot be written: the old model stays, no temporary file does, and one line says so."""

import contextlib
import os
import resource
import subprocess
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.artifact.reader import read
from kerasforecast.errors import InputError, KerasForecastError
from kerasforecast.runtime.backend import installed
from kerasforecast.runtime.files import atomic_write, check_writable
from tests.reliability import hostile

needs_backend = pytest.mark.skipif(not installed(), reason="rebuilds networks")
DISK = 2**25  # bytes
FIT = ["--window", "8", "--units", "4", "--epochs", "2", "--quiet", "--name", "acme"]


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own, where the system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.keras"
    path.write_bytes(hostile.GOOD)
    return kf.load(path)


@contextlib.contextmanager
def largest_file(size):
    """No file may grow beyond `size` bytes: the kernel refuses the rest in the midst of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(disk, free):
    """Leave `free` bytes on the disk, to its granularity."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    left = os.statvfs(disk)
    ballast.write_bytes(bytes(max(0, left.f_bavail * left.f_frsize - free)))


def points(count, size):
    """`count` sizes below `size`, the first of them nothing at all."""
    return [size * number // count for number in range(count)]


def test_a_write_refused_at_any_byte_leaves_the_old_file_alone(tmp_path, cases):
    path = tmp_path / "model.keras"
    path.write_bytes(b"old")
    for size in points(cases(25, 25), len(hostile.GOOD)):
        with largest_file(size), pytest.raises(KerasForecastError, match=r"what was there is unchanged.*too large"):
            atomic_write(path, hostile.GOOD)
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["model.keras"]


@needs_backend
def test_a_model_saved_to_a_full_disk_leaves_the_old_one(disk, model, cases):
    path = disk / "model.keras"
    path.write_bytes(hostile.GOOD)
    for free in points(cases(5, 25), len(hostile.GOOD)):
        fill(disk, free)
        with pytest.raises(KerasForecastError, match="No space left on device"):
            model.save(path)
        assert path.read_bytes() == hostile.GOOD
        assert sorted(os.listdir(disk)) == ["ballast", "model.keras"]
    fill(disk, 2 * len(hostile.GOOD))
    model.save(path)
    read(path)


@needs_backend
def test_a_full_disk_for_keras_own_temporary_file_is_one_line_too(disk, model, cases, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    path = tmp_path / "model.keras"
    path.write_bytes(b"old")
    for free in points(cases(3, 25), len(hostile.GOOD) // 2):
        fill(disk, free)
        with pytest.raises(KerasForecastError, match="could not be written"):
            model.save(path)
        assert path.read_bytes() == b"old"
        assert os.listdir(disk) == ["ballast"]


@needs_backend
def test_a_fit_on_a_full_disk_leaves_the_old_model(disk, cases):
    fill(disk, 2**23)  # the report alone takes 5 MiB
    assert fit(disk).exit_code == 0
    before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file() and path.name != "ballast"}
    for free in points(cases(2, 25), len(hostile.GOOD)):
        fill(disk, free)
        result = fit(disk)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert "No space left" in result.stderr
        (disk / "ballast").unlink()
        read(disk / "acme.keras")
        assert (disk / "acme.keras").read_bytes() == before[disk / "acme.keras"]
        assert not [path for path in disk.rglob("*") if path.suffix == ".tmp"]


@needs_backend
def test_a_read_only_disk_is_refused_before_training(disk, model):
    (disk / "acme.keras").write_bytes(hostile.GOOD)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    result = fit(disk)
    assert result.exit_code == 2
    assert "must be a folder that can be written. Received: Read-only file system." in result.stderr
    with pytest.raises(InputError, match="Read-only file system"):
        model.save(disk / "acme.keras")
    assert (disk / "acme.keras").read_bytes() == hostile.GOOD


@pytest.mark.parametrize("write", [lambda folder: atomic_write(folder / "new.keras", b"new"), check_writable])
def test_a_folder_of_someone_else_is_refused(write):
    folder = Path(tempfile.mkdtemp())  # not below pytest's folders, which others cannot even enter
    folder.chmod(0o555)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)  # nothing is forbidden to root
        with pytest.raises(InputError, match=r"must be a folder that can be written. Received: Permission denied"):
            write(folder)
    finally:
        if root:
            os.seteuid(0)
    assert os.listdir(folder) == []
    folder.rmdir()


def fit(folder):
    return CliRunner().invoke(cli, ["fit", "--output-dir", str(folder), *FIT])
