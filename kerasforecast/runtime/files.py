"""Writing files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kerasforecast.errors import InputError, KerasForecastError
from kerasforecast.runtime.signals import Deferred

_PREFIX, _SUFFIX = ".kerasforecast.", ".tmp"
_STALE = 3_600  # seconds: no write takes so long, so that the process which began it is dead
_ELSEWHERE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP),
    *(errno.ENAMETOOLONG, errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP),
)


def user_path(path: str | os.PathLike) -> Path:
    """A path as its user means it: `~` is the home folder, also where no shell has seen it.

    Raises:
        InputError: There is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"{path}: must be a path. Received: ~ of a user without a home folder ({error}).") from None


def cache_folder() -> Path:
    """Where downloads and compiled programs are kept: `$KERASFORECAST_CACHE`, else the user's cache folder."""
    if given := os.environ.get("KERASFORECAST_CACHE"):
        return user_path(given)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("kerasforecast", appauthor=False))


def atomic_write(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Put `data` at `path` so that a reader, or a crash, sees the old file or the new one and nothing between.

    Args:
        path: Target. Its folder is made where absent; a link stays one, and what it points to is replaced.
        data: The whole content, or its parts in order, of which one is held at a time.

    Raises:
        InputError: The folder cannot be written, or what stands there is no file.
        KerasForecastError: The disk refused the bytes; the old file is untouched.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a rename would put a file in the place of /dev/null
        raise InputError(f"{path}: must be a file. Received: a folder or a device. Give another path.")
    with Deferred(), writing(path, path.parent):  # a signal waits, so that no temporary file is left
        _replace(target, data)
    _sync_folder(target.parent)
    _sweep(target.parent)


def write_folder(target: Path, files: dict[str, bytes]) -> None:
    """Make the folder `target`, which must not exist, with `files` in it: all of them, or no such folder.

    Raises:
        InputError: The folder around it cannot be written.
        KerasForecastError: The disk refused the bytes.
    """
    with Deferred(), writing(target, target.parent):
        _make(target, files)
    _sync_folder(target.parent)


def remove_folder(target: Path) -> None:
    """Remove a folder of files in one step, so that whoever is killed meanwhile leaves it whole or absent."""
    doomed = target.with_name(f"{_PREFIX}{target.name}{_SUFFIX}")
    shutil.rmtree(doomed, ignore_errors=True)  # what one that was killed has left
    with contextlib.suppress(OSError):
        target.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


@contextlib.contextmanager
def writing(path: Path, folder: Path) -> Iterator[None]:
    """Have what the system refuses in the block end in one line.

    Args:
        path: What is written.
        folder: Where it is to go.

    Raises:
        InputError: `folder` is no place to write to; the user may give another.
        KerasForecastError: The disk is full or broken, a quota or limit reached: the run failed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _ELSEWHERE:
            raise InputError(f"{folder}: must be a folder that can be written. Received: {error.strerror}.") from None
        raise KerasForecastError(
            f"{path}: could not be written; what was there is unchanged. Received: {error.strerror}."
        ) from None


def _replace(target: Path, data: bytes | Iterable[bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=target.parent)
    try:
        _write(handle, data)
        Path(temporary).chmod(0o666 & ~_umask())  # mkstemp makes files only their owner reads
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _sweep(folder: Path) -> None:
    """Remove what writers that were killed have left in `folder`; a younger file may be a living one's."""
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if left.lstat().st_mtime >= time.time() - _STALE:
                continue
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()


def _make(target: Path, files: dict[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX, dir=target.parent))
    try:
        for name, data in files.items():
            _write(os.open(temporary / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), data)
        temporary.chmod(0o777 & ~_umask())
        _sync_folder(temporary)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write(handle: int, data: bytes | Iterable[bytes]) -> None:
    """Write, sync and close an open file."""
    with os.fdopen(handle, "wb") as file:
        for part in [data] if isinstance(data, bytes) else data:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def check_writable(folder: Path) -> None:
    """Make `folder` and prove that a file can be put there, before hours are spent on what is to go into it.

    Raises:
        InputError: It cannot.
        KerasForecastError: Not now: its disk is full.
    """
    with writing(folder, folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def json_text(content: Any) -> str:
    """`content` as indented JSON, refusing NaN and infinities, which JSON does not have."""
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Have the new name survive a power cut too, where the system can: Windows and some network disks cannot."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
