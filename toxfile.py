"""Let tox find every Python that pyenv has installed: pyenv's own commands are there for the versions in use alone."""

import os
import re
from pathlib import Path

from tox.config.loader.memory import MemoryLoader
from tox.config.sets import EnvConfigSet
from tox.plugin import impl
from tox.session.state import State


@impl
def tox_add_env_config(env_conf: EnvConfigSet, state: State) -> None:
    """Environments named after a version, `core-py312`, look for `python3.12` as always, then among pyenv's."""
    named = re.search(r"\bpy3(\d+)\b", env_conf.env_name)
    if named:
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        kept = sorted(root.glob(f"versions/3.{named[1]}.*/bin/python3.{named[1]}"), key=_release, reverse=True)
        env_conf.loaders.insert(0, MemoryLoader(base_python=[f"python3.{named[1]}", *map(str, kept)]))


def _release(python: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", python.parts[-3])]
