"""How the models of a comparison read a table: by what their files know of it, where nobody says otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from kerasforecast.artifact.inputs import reading_options
from kerasforecast.artifact.reader import read_manifest
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.data.table.columns import same
from kerasforecast.errors import OptionError, flag, shown
from kerasforecast.models.families import registry
from kerasforecast.runtime.files import user_path
from kerasforecast.sections.data import DataConfig

if TYPE_CHECKING:
    from kerasforecast.api.asked import Request
    from kerasforecast.model import Model

_FOUND = ("id", "date_column", "calendar")  # which a table shows where a model says nothing of them
_ROLES = ("known", "past", "static")
_NAMING = ("target", "targets", "id", "date_column", *_ROLES)


def known_of_table(named: Mapping[str, str | Model], request: Request) -> dict[str, Any]:
    """What `agreed` finds of the models of a comparison that are taken as they are.

    Args:
        named: Networks to be trained, paths of model files, and models at hand, by what they are called.
        request: With the options that are given, and the data.
    """
    if isinstance(request.frame, Panel | Series):
        return {}
    found = {}
    for label, model in named.items():
        if not isinstance(model, str):
            found[label] = reading_options(model.manifest)
        elif model not in registry.models():
            found[model] = reading_options(read_manifest(user_path(model)))
    return agreed(found, request.options) if found else {}


def agreed(models: Mapping[str, DataConfig], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a table that the models of a comparison know from their fits, beyond those that are given.

    Args:
        models: By what they are called, how each reads other data than that of its training.
        options: Those that are given. Each settles its own; `id` also `series`, and either of `target` and `targets`
            both.

    Returns:
        Fields of `DataConfig`. Columns beside the target are those of all models, known ahead where one model needs
        them so: each takes its own of them.

    Raises:
        OptionError: Two models disagree on one.
    """
    found = {name: _one(name, models, {None}) for name in _FOUND if name not in options}
    if "ticker" in options and "interval" not in options:
        found["interval"] = _one("interval", models)
    if not options.keys() & {"id", "series"}:
        found["series"] = _one("series", models, remedy="Give --id, and --series to take one of them")
    if not options.keys() & {"target", "targets"}:
        found["targets"] = _one("targets", models)
        found["target"] = _one("target", models, {None})
    taken = {same(name) for option in _NAMING for name in _names(options.get(option))}
    for role in _ROLES:
        if role not in options:
            names = {same(name): name for each in models.values() for name in getattr(each, role)}
            found[role] = tuple(name for key, name in names.items() if key not in taken)
            taken |= names.keys()
    return found


def _names(value: str | Collection[str] | None) -> Collection[str]:
    return (value or "").split(",") if isinstance(value, str | None) else value


def _one(
    name: str, models: Mapping[str, DataConfig], unsaid: Collection[object] = (), remedy: str | None = None
) -> Any:
    """What the models say of option `name`; those that say one of `unsaid` agree with any other.

    Raises:
        OptionError: Two say different things.
    """
    said = [(label, value) for label, each in models.items() if (value := getattr(each, name)) not in unsaid]
    for label, value in said[1:]:
        if same(value) != same(said[0][1]):
            raise OptionError(
                f"Models compared on one table must agree on {flag(name)}. Received: {_shown(said[0][1])} in "
                f"{said[0][0]}, {_shown(value)} in {label}. {remedy or f'Give {flag(name)}'}."
            )
    return said[0][1] if said else None


def _shown(value: object) -> str:
    return "none" if value in (None, ()) else shown(",".join(value) if isinstance(value, tuple) else value)
