"""What a configuration implies, by arithmetic; that networks built have these arrays, tests/backend compares."""

import pytest

from kerasforecast.errors import InputError
from kerasforecast.models.limits import check_size
from kerasforecast.models.member import Member, array_shapes
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig


def member(columns=1, channels=None, **options):
    """A network over so many columns, with as many channels as it has columns where not said."""
    level = {"volatility_channel": True, "kind": "anchor"} if channels and channels > columns else {"kind": "none"}
    transform = "log" if channels and channels > columns else "linear"
    scaling = FittedScaling(transforms=(transform,) * columns, offset=(0.0,) * columns, scale=(1.0,) * columns, **level)
    return Member(network=NetworkConfig(**options), scaling=scaling)


def weight_shapes(**options):
    return array_shapes([member(**options)])


def test_the_reference_network_s_arrays():
    assert weight_shapes() == {
        "layers/lstm/cell/vars/0": (1, 200),
        "layers/lstm/cell/vars/1": (50, 200),
        "layers/lstm/cell/vars/2": (200,),
        "layers/lstm_1/cell/vars/0": (50, 200),
        "layers/lstm_1/cell/vars/1": (50, 200),
        "layers/lstm_1/cell/vars/2": (200,),
        "layers/dense/vars/0": (50, 1),
        "layers/dense/vars/1": (1,),
    }
    assert member().parameters_saved == 30_651


def test_both_directions_and_what_stands_between_layers():
    shapes = weight_shapes(columns=4, model="gru", bidirectional=True, norm="batch", units=3, horizon=2)
    assert shapes["layers/bidirectional/forward_layer/cell/vars/2"] == (2, 9)
    assert shapes["layers/bidirectional_1/backward_layer/cell/vars/0"] == (6, 9)
    assert [path for path in shapes if "normalization" in path] == [
        f"layers/batch_normalization/vars/{number}" for number in range(4)
    ]
    assert shapes["layers/dense/vars/0"] == (6, 2)


@pytest.mark.parametrize(
    ("options", "columns", "what"),
    [
        ({"units": 4096}, 1, "parameters. Received"),
        ({"units": 2048, "layers": 1, "window": 10_000}, 1, "parameters times rows of its window. Received"),
        ({"window": 10_000}, 21, "values in a window. Received"),
        ({"layers": 9, "bidirectional": True}, 1, "at most 16 layers, bidirectional ones counted twice. Received: 18"),
        ({"window": 10_000, "layers": 4}, 1, "at most 32,768 rows times layers. Received: 40,000"),
        ({"window": 10_000, "bidirectional": True, "model": "peephole"}, 1, "rows times layers. Received: 40,000"),
    ],
)
def test_a_network_beyond_what_a_loader_opens_is_refused(options, columns, what):
    with pytest.raises(InputError, match=what):
        check_size([member(columns, **options)])


def test_large_networks_that_people_train_are_not():
    check_size([member(10, 11, units=512, layers=4, window=480)])
    check_size([member(10, 11, units=512, layers=4, window=200, bidirectional=True, norm="layer")])
    check_size([member(10, 11, model="peephole", units=256, layers=4, window=480, bidirectional=True)])
    check_size([member(10, 11, window=10_000)])


def test_members_of_a_model_are_counted_together_and_each_has_its_place():
    pair = [member(units=3, layers=1), member(model="gru", units=3, layers=1)]
    shapes = array_shapes(pair)
    assert next(iter(shapes)) == "layers/functional/layers/lstm/cell/vars/0"
    assert shapes["layers/functional_1/layers/gru/cell/vars/2"] == (2, 9)
    assert len(shapes) == len(array_shapes(pair[:1])) + len(array_shapes(pair[1:]))
    with pytest.raises(InputError, match="at most 16 layers"):
        check_size([member(layers=9), member(layers=9)])
