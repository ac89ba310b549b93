"""Commands by name, of which a module is imported when one of its commands is wanted: each takes its time."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click


class Imported(MutableMapping[str, click.Command]):
    """Commands, as a group holds them.

    Args:
        modules: By name, the module beside this one that has the command under that name, with `_` for `-`.
    """

    def __init__(self, modules: dict[str, str]) -> None:
        self._modules, self._own = modules, dict[str, click.Command]()

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._own:
            module = import_module(f".{self._modules[name]}", __package__)
            self._own[name] = getattr(module, name.replace("-", "_"))
        return self._own[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._modules[name], self._own[name] = "", command

    def __delitem__(self, name: str) -> None:
        del self._modules[name]
        self._own.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)
