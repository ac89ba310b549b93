"""Small networks of every kind with drawn weights, as files: how they compute is tested, not what they learned."""

import numpy as np

from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.models.families import untrained
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.covariates import Categories, FittedCovariates, Standardised
from kerasforecast.preprocessing.level import Level
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig

WINDOW, HORIZON = 9, 3
ONE = Standardised(offset=0.5, scale=2.0)
UNITS = {"units": 5, "layers": 2}


def level(columns=1, centre="mean", unit="spread", transform="none"):
    bent = {"middle": 3.0, "size": 2.0} if transform == "asinh" else {}
    found = Level(centre=centre, unit=unit, transform=transform, floors=(0.1,) * columns, typical=1.5, **bent)
    return scaling("level", ("level",) * columns, 1.0, level=found)


def scaling(kind, transforms, scale, offset=0.0, **more):
    count = len(transforms)
    return FittedScaling(kind=kind, transforms=transforms, offset=(offset,) * count, scale=(scale,) * count, **more)


ANCHOR = scaling("anchor", ("log",), 0.02)
SCALINGS = {
    "log returns, with their volatility": scaling("anchor", ("log",), 0.02, volatility_channel=True),
    "differences": scaling("difference", ("difference",), 1.5),
    "several columns": scaling(
        "anchor", ("log", "difference", "ratio"), 0.02, reference=(0, 1, 0), floor=(0.0, 0.0, 3.0)
    ),
    "level by mean and spread": level(),
    "level by last row and change": level(centre="last", unit="change"),
    "level of logs": level(2, transform="log"),
    "level of square roots": level(2, transform="sqrt"),
    "level squeezed": level(2, transform="asinh"),
    "standard": scaling("standard", ("linear", "linear"), 7.0, 100.0),
}
RULES = [family.name for family in untrained.FAMILIES]  # which have nothing to train
FAMILIES = {
    "lstm": ("lstm", UNITS),
    "lstm, both ways, batch norm": ("lstm", UNITS | {"bidirectional": True, "norm": "batch"}),
    "lstm, read row by row": ("lstm", UNITS | {"readout": "rows"}),
    "gru, both ways, read row by row": ("gru", UNITS | {"bidirectional": True, "readout": "rows"}),
    "gru, layer norm": ("gru", UNITS | {"norm": "layer"}),
    "gru, both ways": ("gru", UNITS | {"bidirectional": True}),
    "rnn, both ways": ("rnn", UNITS | {"bidirectional": True}),
    "peephole": ("peephole", UNITS),
    "peephole, both ways": ("peephole", UNITS | {"bidirectional": True}),
    "coupled": ("coupled", UNITS),
    "coupled, both ways": ("coupled", UNITS | {"bidirectional": True}),
    "linear with a trend": ("linear", {"trend": 4}),
    "nbeats": ("nbeats", {"blocks": 2, "units": 6}),
    "nbeats, interpretable": ("nbeats", {"basis": "interpretable", "blocks": 1, "units": 6}),
    "nhits": ("nhits", {"blocks": 1, "units": 6, "pool": 4}),
    "patch": ("patch", {"patch": 4, "width": 6, "heads": 2}),
    "tide": ("tide", {"layers": 2, "units": 6, "decoder": 3}),
    "diffusion": ("diffusion", {"units": 6, "blocks": 1, "paths": 10, "sampling_steps": 3}),
    **{name: (name, {}) for name in RULES},
}


def member(family, scaled=ANCHOR, levels=(), known=0, static=False, weight=1.0, window=WINDOW):
    name, options = FAMILIES[family]
    network = NetworkConfig(model=name, window=window, horizon=HORIZON, quantiles=levels, **options)
    attributes = (ONE, Categories(names=("a", "b", "c"))) if static else ()
    covariates = FittedCovariates(known=(ONE,) * known, static=attributes)
    return Member(weight=weight, network=network, scaling=scaled, covariates=covariates)


def drawn(members):
    """Weights that hide nothing: none is zero."""
    random = np.random.default_rng(0)
    arrays = (0.4 * random.normal(size=shape) for each in members for shape in each.arrays().values())
    return [(np.abs(array) + 0.1 if array.ndim == 1 else array).astype(np.float32) for array in arrays]


def windows_for(members, count=2):
    first, random = members[0], np.random.default_rng(1)
    length = max(each.network.window for each in members)
    walk = np.cumsum(0.02 * random.normal(size=(count, length, len(first.scaling.transforms))), axis=1)
    known, static = first.covariates.known, first.covariates.static
    return WindowBatch(
        (100 * np.exp(walk)).astype(np.float32),
        random.normal(size=(count, length + HORIZON, len(known))).astype(np.float32) if known else None,
        np.stack([random.normal(size=count), np.arange(count) % 3], 1).astype(np.float32) if static else None,
    )


def written(path, *members):
    """A model file of these members without data or scores, and its manifest and weights."""
    weights, exporter, first = drawn(members), Exporter(members), members[0]
    columns = [f"c{place}" for place in range(1, len(first.scaling.transforms))]
    known = tuple(f"k{place}" for place in range(len(first.covariates.known)))
    static = ("size", "kind") if first.covariates.static else ()
    chosen = first.network.model_dump() | {"window": max(each.network.window for each in members)}
    config = Config(network=NetworkConfig.model_validate(chosen))
    manifest = Manifest.of(
        "drawn",
        config,
        Roles(target="Close", past=columns, known=known, static=static),
        [MemberRecord.of(each) for each in members],
        golden=exporter.golden(windows_for(members), weights),
    )
    return exporter.write(path, manifest, weights), weights
