"""What a model is to forecast: the data it was trained on, or other data with the columns it takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any, TypeAlias

from kerasforecast.artifact.manifest import Manifest
from kerasforecast.config import check_effect_on_data
from kerasforecast.data.calendar_choice import with_features
from kerasforecast.data.calendar_columns import check_calendar_columns
from kerasforecast.data.categories import recoded
from kerasforecast.data.load import load_panel
from kerasforecast.data.panel import Panel
from kerasforecast.data.series import Series
from kerasforecast.data.table.columns import same
from kerasforecast.data.table.given import Given
from kerasforecast.errors import DataError, KerasForecastError, OptionError, flag, shown
from kerasforecast.preprocessing.covariates import Categories
from kerasforecast.preprocessing.suitability import scaling_notes
from kerasforecast.runtime.files import user_path
from kerasforecast.sections.data import DataConfig
from kerasforecast.sections.section import checked

# Options that name columns as the training table called them; another table may call them otherwise.
INHERITED = frozenset({"id", "series", "date_column", "targets"})

Data: TypeAlias = str | PathLike | Given | Panel | Series | None


def panel_for(manifest: Manifest, data: Data, options: Mapping[str, Any], at_hand: Panel | None = None) -> Panel:
    """The series in `data`, with the columns that the model takes.

    Args:
        manifest: The model's.
        data: Path, DataFrame, array, `Panel` or `Series`; the training data where none is given.
        options: Fields of `DataConfig` that were given.
        at_hand: The training data, where it need not be read.

    Raises:
        DataError: It lacks a column, or there is nothing to read.
        OptionError: An option is unknown, wrong, or would have no effect.
    """
    if isinstance(data, Panel | Series):
        if options:
            raise OptionError(f"Options have no effect on a series at hand. Received: {shown(dict(options))}.")
        panel = with_calendar_of(Panel.of(data), manifest)
    elif data is None and not options.keys() & {"file", "ticker"}:
        panel = at_hand if at_hand is not None and not options else _trained_on(manifest, options)
    else:
        panel = _other(manifest, data, options)
    panel = with_columns_of(panel, manifest)
    said = {note: None for member in manifest.members for note in scaling_notes(member.scaling, panel)}
    return replace(panel, notes=(*panel.notes, *said)) if said else panel


def same_panel(manifest: Manifest) -> Panel:
    """The very rows that the model was trained on: of a ticker, those of the snapshot that was kept.

    Raises:
        DataError: They are not at hand, or have changed since.
    """
    pinned = {"snapshot": manifest.data.snapshot} if manifest.data and manifest.data.snapshot else {}
    panel = _trained_on(manifest, pinned)
    if manifest.data is None or panel.sha256 != manifest.data.sha256:
        raise DataError(
            f"{panel.name}: the test forecasts can be made again from the training data alone. Received: data "
            "that has changed since. Train it again."
        )
    return panel


def kept_panel(manifest: Manifest) -> Panel | None:
    """The training data where it can be had without asking anyone: the sample, a file, a kept snapshot; else `None`."""
    record = manifest.data
    if record is None or record.source == "frame" or manifest.config.data.file == "-":
        return None
    offline = {"offline": True, "snapshot": record.snapshot} if record.snapshot else {}
    try:
        config = manifest.config.data.model_copy(update=offline | column_options(manifest))
        return _loaded(manifest, config, None)
    except KerasForecastError:
        return None  # moved or changed since


def _trained_on(manifest: Manifest, options: Mapping[str, Any]) -> Panel:
    record, trained = manifest.data, manifest.config.data
    gone = trained.file is not None and not user_path(trained.file).is_file()  # nor a device: a stranger named it
    if record is None or record.source == "frame" or gone:
        raise DataError(
            f"{manifest.name}: its training data is not at hand. Received: no data. Give a FILE or --ticker."
        )
    return _read(manifest, trained.model_dump(), None, options)


def _other(manifest: Manifest, data: str | PathLike | Given | None, options: Mapping[str, Any]) -> Panel:
    """Other data: only what the network needs is kept of the old choice, the rest is found anew."""
    values = _kept_options(manifest)
    if data is None or isinstance(data, str | PathLike):
        return _read(manifest, values | {"file": None if data is None else str(data)}, None, options)
    return _read(manifest, values, data, options)


def _kept_options(manifest: Manifest) -> dict[str, Any]:
    kept = ("calendar", "interval", "time_zone", *INHERITED)
    trained = manifest.config.data.model_dump()
    return DataConfig().model_dump() | {name: trained[name] for name in kept}


def reading_options(manifest: Manifest) -> DataConfig:
    """How other data than that of the training is read for a model, where nothing else is said."""
    return checked(DataConfig, _kept_options(manifest) | column_options(manifest))


def _read(manifest: Manifest, values: dict[str, Any], data: Given | None, options: Mapping[str, Any]) -> Panel:
    for name in ("calendar_features", "holidays", "time_zone"):
        if options.get(name):
            raise OptionError(
                f"{flag(name)} has no effect on a trained model, which takes what it was trained on. "
                f"Received: {shown(options[name])}. Leave it out."
            )
    config: DataConfig = checked(DataConfig, values | column_options(manifest) | dict(options))
    check_effect_on_data(dict(options), config)
    return _loaded(manifest, config, data, INHERITED - options.keys())


def _loaded(
    manifest: Manifest, config: DataConfig, data: Given | None, inherited: Collection[str] = frozenset()
) -> Panel:
    # Of the rows that are used, the network asks whether they are positive.
    panel = load_panel(config, data, positive_prices=False, inherited=inherited)
    return with_calendar_of(panel, manifest)


def with_calendar_of(panel: Panel, manifest: Manifest) -> Panel:
    """`panel` with the columns that its dates give, where it lacks them."""
    own = set(map(same, panel.columns))
    absent = {name: feature for name, feature in manifest.roles.calendar.items() if same(name) not in own}
    return with_features(panel, absent)


def column_options(manifest: Manifest) -> dict[str, Any]:
    """The options that name columns: the table's own; those that the dates give are computed, whatever their options.

    `auto` would choose others for a table of another length.
    """
    roles, trained = manifest.roles, manifest.config.data
    past, known = (set(map(same, names)) for names in (trained.past, trained.known))
    return {
        "target": None if trained.targets else roles.target,
        "targets": trained.targets,
        "past": (*roles.past, *(name for name in roles.calendar if same(name) in past)),
        "known": tuple(name for name in roles.known if name not in roles.calendar or same(name) in known),
        "static": roles.static,
        "calendar_features": (),
        "holidays": None,
    }


def with_columns_of(panel: Panel, manifest: Manifest, otherwise: str = "train again on rows that have it") -> Panel:
    """`panel` with the columns of the model, called and ordered as there.

    Args:
        panel: The data.
        manifest: The model's.
        otherwise: What else a user can do about a category that the model does not know.

    Raises:
        DataError: They are others; or one is not the feature of the dates that it was in training.
    """
    calendar = manifest.roles.calendar
    if panel.columns != manifest.columns or panel.calendar_columns != calendar:
        wanted, own = list(manifest.columns), list(panel.columns)
        if set(wanted) != set(own):
            wanted, own = list(map(same, wanted)), list(map(same, own))
        if sorted(wanted) != sorted(own):
            raise DataError(
                f"{panel.name}: the model needs the columns {', '.join(manifest.columns)}. "
                f"Received: {', '.join(panel.columns)}."
            )
        values = panel.values[:, [own.index(name) for name in wanted]]
        panel = replace(
            panel, values=values, columns=manifest.columns, roles=manifest.roles.each, calendar_columns=calendar
        )
    panel = _with_attributes_of(panel, manifest, otherwise)
    check_calendar_columns(panel.values, panel.index, panel.columns, calendar)
    return panel


def _with_attributes_of(panel: Panel, manifest: Manifest, otherwise: str) -> Panel:
    """`panel` with the attributes of the model in its order, categories by the numbers that it knows them by."""
    wanted, own = manifest.roles.static, panel.static_columns
    if sorted(wanted) != sorted(own):
        raise DataError(
            f"{panel.name}: the model needs the static columns {', '.join(wanted) or 'none'}. "
            f"Received: {', '.join(own) or 'none'}."
        )
    if panel.static is None:
        return panel
    places = [own.index(name) for name in wanted]
    categories = tuple(panel.categories[place] for place in places)
    panel = replace(panel, static=panel.static[:, places], static_columns=wanted, categories=categories)
    known = manifest.members[0].covariates.static
    return recoded(panel, [each.names if isinstance(each, Categories) else () for each in known], otherwise)
