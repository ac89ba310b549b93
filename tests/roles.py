"""A panel with columns of every role. `python -m tests.roles` writes the small model file `reliability/roles.keras`."""

from pathlib import Path

import numpy as np
import pandas as pd

ROLES = Path(__file__).parent / "reliability" / "roles.keras"
OPTIONS = {"window": 6, "horizon": 2, "units": 3, "layers": 1, "dropout": 0.0, "scaling": "standard", "epochs": 3}


def shops(count=12, rows=80, ahead=4):
    """Shops whose sales follow a temperature known ahead, by kind of shop; with the weekday, which the dates give."""
    from kerasforecast.data.panel import Panel

    random = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=rows + ahead)
    parts = []
    for place in range(count):
        temperature = random.normal(size=rows + ahead)
        sales = 100 + 3 * (-1) ** place * temperature + random.normal(size=rows + ahead)
        columns = [sales, random.normal(size=rows + ahead), temperature, index.day_of_week]
        part = np.stack(columns, axis=1)
        part[rows:, :2] = np.nan
        parts.append(part)
    return Panel(
        values=np.concatenate(parts),
        index=pd.DatetimeIndex(np.tile(index, count)),
        starts=np.arange(count + 1) * (rows + ahead),
        ids=np.array([f"shop {place}" for place in range(count)]),
        columns=("sales", "visitors", "temperature", "weekday"),
        roles=("target", "past", "known", "known"),
        observed=np.full(count, rows),
        key="shop",
        frequency="D",
        static=np.stack([np.arange(count) % 2, random.normal(50, 20, size=count), np.arange(count) % 3], axis=1),
        static_columns=("kind", "size", "region"),
        categories=(("street", "mall"), (), ("north", "south", "west")),
        name="shops",
        calendar_columns={"weekday": "weekday"},
    )


def fitted():
    """A manifest without scores, and the weights it is of."""
    config, panel, split, member, sets = _begun(**OPTIONS)

    from kerasforecast.forecasting.fitting import Fitting

    weights = Fitting(member, config.training, *sets).train().weights
    rows = np.array([0, len(sets[0]) - 1])
    return (*_described(config, panel, split, member, sets[0].batch(rows), weights), weights)


def _begun(**options):
    """What a network of these options has before it is made: configuration, panel, split, member and sets."""
    from kerasforecast.config import Config
    from kerasforecast.forecasting.fitting import scaled_member, training_sets
    from kerasforecast.preprocessing.split import split_panel

    panel, config = shops(), Config.from_options(**options)
    split = split_panel(panel, config.split, config.network)
    member = scaled_member(config.network, panel, split)
    return config, panel, split, member, training_sets(member, panel, split)


def _described(config, panel, split, member, golden, weights):
    """What writes its file, and its manifest with the `golden` windows."""
    from kerasforecast.artifact.manifest import Manifest, MemberRecord
    from kerasforecast.artifact.recorder import data_record, roles_of
    from kerasforecast.artifact.writer import Exporter

    exporter = Exporter([member])
    manifest = Manifest.of(
        "shops",
        config,
        roles_of(panel),
        [MemberRecord.of(member)],
        data=data_record(panel, split),
        golden=exporter.golden(golden, weights),
    )
    return exporter, manifest


FAMILIES = {
    "linear": {},
    "nbeats": {"units": 8, "blocks": 1},
    "nhits": {"units": 8, "stacks": 2},
    "patch": {"patch": 3, "width": 8, "heads": 2, "layers": 1},
    "tide": {"units": 8, "decoder": 2},
    "diffusion": {"units": 8, "blocks": 1, "paths": 10, "sampling_steps": 2},
}
WINDOW = 12  # of the first of them; each further one sees a row less


def write_families(path):
    """One file of all of them, each trained for some steps: the mean of six networks with columns of every role."""
    from kerasforecast.artifact.manifest import Manifest, MemberRecord
    from kerasforecast.artifact.recorder import data_record, roles_of
    from kerasforecast.artifact.writer import Exporter
    from kerasforecast.config import Config
    from kerasforecast.forecasting.fitting import Fitting, scaled_member, training_sets
    from kerasforecast.preprocessing.split import split_panel

    panel, members, weights = shops(), [], []
    common = {"horizon": 2, "epochs": 1, "steps_per_epoch": 4}
    configs = [
        Config.from_options(model=name, window=WINDOW - place, **common, **options)
        for place, (name, options) in enumerate(FAMILIES.items())
    ]
    for config in configs:
        split = split_panel(panel, config.split, config.network)
        member = scaled_member(config.network, panel, split)
        weights += Fitting(member, config.training, *training_sets(member, panel, split)).train().weights
        members.append(member.model_copy(update={"weight": 1 / len(FAMILIES)}))
    first = split_panel(panel, configs[0].split, configs[0].network)
    windows = training_sets(members[0], panel, first)[0].batch(np.array([0, 5]))
    exporter = Exporter(members)
    manifest = Manifest.of(
        "shops",
        configs[0],
        roles_of(panel),
        [MemberRecord.of(member) for member in members],
        data=data_record(panel, first),
        golden=exporter.golden(windows, weights),
    )
    exporter.write(Path(path), manifest, weights)


def write_paths(path):
    """One file of a network that draws paths, with columns of every role; its start, and a speed drawn at random."""
    sizes = {"window": OPTIONS["window"], "horizon": OPTIONS["horizon"], "scaling": "standard"}
    few = {"units": 4, "blocks": 1, "paths": 10, "sampling_steps": 2}
    config, panel, split, member, sets = _begun(model="diffusion", **sizes, **few)

    from kerasforecast.forecasting.fitting import Fitting
    from kerasforecast.models.network import merged_weights

    fitting, random = Fitting(member, config.training, *sets), np.random.default_rng(1)
    for name in member.network.family.departing:
        layer = fitting.network.get_layer(name)
        layer.set_weights([random.normal(0, 0.3, array.shape) for array in layer.get_weights()])
    weights = merged_weights(fitting.network)
    exporter, manifest = _described(config, panel, split, member, sets[0].batch(np.array([0, 5])), weights)
    exporter.write(Path(path), manifest, weights)


if __name__ == "__main__":
    exporter, manifest, weights = fitted()
    exporter.write(ROLES, manifest, weights)
