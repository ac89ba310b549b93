"""The largest networks a model file may ask for: what a stranger can have whoever opens it compute and allocate."""

import io
import json

import h5py
import numpy as np

from kerasforecast.artifact.format.archive import MANIFEST
from kerasforecast.artifact.manifest import MemberRecord
from kerasforecast.models.member import Member
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig
from tests.reliability.hostile import forged, members

# Each at one of the limits of kerasforecast.models.limits.
NETWORKS = {
    "parameters": {"units": 1024, "layers": 4, "window": 128},
    "parameters in many layers": {"units": 512, "layers": 16, "window": 60},
    "parameters times rows": {"units": 512, "layers": 4, "window": 580},
    "layers": {"units": 16, "layers": 8, "bidirectional": True, "norm": "layer", "window": 2048},
    "rows": {"model": "gru", "units": 16, "layers": 3, "window": 10_000},
    "peepholes": {
        "model": "peephole", "units": 16, "layers": 8, "bidirectional": True, "norm": "batch", "window": 2048,
    },
    "coupled gates": {"model": "coupled", "units": 256, "layers": 4, "norm": "layer", "window": 3_000},
    "outputs": {
        "model": "rnn", "units": 2_800, "layers": 1, "window": 120, "horizon": 1_000,
        "quantiles": [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99],
    },
    "pairs of patches": {"model": "patch", "patch": 1, "heads": 4, "width": 4, "layers": 16, "window": 1_024},
    "parameters of an encoder": {"model": "patch", "patch": 4, "heads": 16, "width": 1_024, "layers": 3, "window": 400},
    "blocks": {"model": "nbeats", "units": 16, "blocks": 29, "block_layers": 8, "window": 500},
    "waves": {
        "model": "nbeats", "basis": "interpretable", "units": 8, "blocks": 21, "block_layers": 5, "harmonics": 200,
        "window": 2_000, "horizon": 1_000,
    },
    "knots": {
        "model": "nhits", "units": 16, "blocks": 3, "stacks": 16, "block_layers": 4, "window": 1_000, "horizon": 1_000,
    },
    "units of a decoder": {"model": "tide", "units": 3_500, "layers": 1, "window": 1_000},
    "weights of a map": {"model": "linear", "window": 10_000, "horizon": 1_000},
    "rows of a rule": {"model": "damped", "scaling": "none", "season": 1_000, "window": 10_000, "horizon": 1_000},
}  # fmt: skip
# What takes each of those that have it over its limit.
MORE = {
    "pairs of patches": {"window": 1_025},
    "parameters of an encoder": {"layers": 6},
    "blocks": {"blocks": 31},
    "waves": {"block_layers": 6},
    "knots": {"blocks": 4},
    "units of a decoder": {"layers": 4},
    "weights of a map": {"horizon": 1_000, "quantiles": [0.1, 0.25, 0.5, 0.75, 0.9]},
}


def beyond(limit):
    """Options of a network over the limit that `NETWORKS[limit]` is at; `None` where they do not reach it."""
    network = NETWORKS[limit]
    if limit in MORE:
        return network | MORE[limit]
    if "layers" in network and network["layers"] <= 8:
        return network | {"layers": 2 * network["layers"]}
    return None


def file_of(network, *, whole=True):
    """A file in order but for its golden batch, of a network `{option: value}` whose weights are zero.

    One that is not `whole` says so and has none.
    """
    manifest = json.loads(members()[MANIFEST])
    own = manifest["members"][0]
    common = {name: own["network"][name] for name in ("model", "window", "horizon", "scaling", "quantiles")}
    config = NetworkConfig(**common | network)
    member = Member(network=config, scaling=FittedScaling.model_validate(own["scaling"]))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, shape in member.arrays().items() if whole else ():
            file[path] = np.zeros(shape, np.float32)

    def change(content):
        content["config"]["network"] = config.model_dump(mode="json")
        content["members"] = [MemberRecord.of(member).model_dump(mode="json")]
        columns = 1 + len(content["roles"]["past"])
        content["golden"] = {
            "past": [[[100.0 + row % 7] * columns for row in range(config.window)]],
            "forecast": [[1.0] * config.sizes(1).outputs],
        }
        content["baselines"] = content["calibration"] = content["adapted"] = None

    def widen(
        graph,
    ):  # its loader rebuilds a network from what the manifest says; the graph names no more than its input
        (layer,) = (each for each in graph["config"]["layers"] if each["class_name"] == "InputLayer")
        layer["config"]["batch_shape"][1] = config.window
        graph["config"]["layers"] = [layer]

    return forged(manifest=change, graph=widen, weights=buffer.getvalue())
