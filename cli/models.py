"""Where a model file lies that is named on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import FOLDER, UserPath


class ModelFile(UserPath):
    """The path of a model file, or the name of a model that `fit` wrote: `ibm` is `saved_models/ibm.keras`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; where nothing is found the value itself, for whoever opens it to refuse."""
        return model_path(super().convert(value, param, ctx))


def model_path(given: Path) -> Path:
    """The file that `given` means: itself where it is one, else the model of that name beside it or in `FOLDER`."""
    if given.is_file():
        return given
    if given.name in ("", ".."):  # a folder
        return given
    name = given if given.suffix == ".keras" else given.with_name(f"{given.name}.keras")
    folders = (Path(), FOLDER) if given.name == str(given) else (Path(),)
    return next((path for path in (folder / name for folder in folders) if path.is_file()), given)
