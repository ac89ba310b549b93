"""Files of a model with columns of every role, as a forger leaves them."""

import copy
import random

import numpy as np

from tests.reliability.hostile import alter, forged, with_hdf5, with_value
from tests.roles import ROLES

GOOD = ROLES.read_bytes()
MEMBER = "members.0.covariates"


def _value(path, value):
    return with_value(path, value, GOOD)


def _manifest(change):
    return forged(GOOD, manifest=change)


def _golden(name, change):
    def altered(content):
        windows = np.array(content["golden"][name], np.float64)
        content["golden"][name] = change(windows).tolist()

    return _manifest(altered)


def _code(value, place=0):
    def change(static):
        static[0, place] = value
        return static

    return _golden("static", change)


def _array(path, shape):
    def change(file):
        del file[path]
        file.create_dataset(path, data=np.zeros(shape, np.float32))

    return with_hdf5(change, GOOD)


def _embedding(shape):
    """A smaller table of vectors, in the manifest's list as in the file."""

    def change(file):
        del file["layers/embedding/vars/0"]
        file.create_dataset("layers/embedding/vars/0", data=np.zeros(shape, np.float32))

    return forged(
        with_hdf5(change, GOOD), manifest=lambda content: content["members"][0]["weights"][0].update(shape=list(shape))
    )


def _layers(change):
    """The graph with its list of layers changed."""
    return forged(GOOD, graph=lambda graph: change(graph["config"]["layers"]))


def _input(layers, name):
    return next(layer for layer in layers if layer["name"] == name)


def _twice(layers):
    layers.append(copy.deepcopy(_input(layers, "known")))


def _renamed(layers):
    _input(layers, "static")["config"]["name"] = "past"


def _wider(layers):
    _input(layers, "known")["config"]["batch_shape"] = [None, 8, 1]


def hand_made():
    """`{name: bytes}`: every one contradicts itself, or asks for what no network of ours has."""
    unknown = {"weekday": "moon"}
    return {
        "a known column more": _value("roles.known", ["temperature", "weekday", "rain"]),
        "a known column less": _value("roles.known", ["weekday"]),
        "no known columns": _value("roles.known", []),
        "an attribute more": _value("roles.static", ["kind", "size", "region", "age"]),
        "attributes alone": _value("roles.static", []),
        "a past column more": _value("roles.past", ["visitors", "rain"]),
        "one name twice": _value("roles.known", ["temperature", "temperature"]),
        "the target as an attribute": _value("roles.static", ["kind", "sales", "region"]),
        "the target known ahead": _value("roles.past", ["sales"]),
        "covariates for more columns": _value(f"{MEMBER}.known", [{"offset": 0, "scale": 1}] * 3),
        "a thousand and one columns": _value(f"{MEMBER}.known", [{"offset": 0, "scale": 1}] * 1_001),
        "a number for a category": _value(f"{MEMBER}.static.0", {"offset": 0, "scale": 1}),
        "a category for a number": _value(f"{MEMBER}.static.1", {"names": ["a", "b"]}),
        "more categories": _value(f"{MEMBER}.static.0", {"names": ["a", "b", "c", "d", "e"]}),
        "no categories": _value(f"{MEMBER}.static.0", {"names": []}),
        "a category twice": _value(f"{MEMBER}.static.0", {"names": ["street", "street"]}),
        "categories beyond the limit": _value(f"{MEMBER}.static.0", {"names": [f"{n}" for n in range(10_001)]}),
        "a million categories": _value(f"{MEMBER}.static.0", {"names": ["x"] * 10**6}),
        "a long category": _value(f"{MEMBER}.static.0", {"names": ["x" * 10**6, "y"]}),
        "a scaling yet to be chosen": _value("members.0.network.scaling", "auto"),
        "a scale of nothing": _value(f"{MEMBER}.known.0", {"offset": 0, "scale": 0}),
        "a scale below nothing": _value(f"{MEMBER}.known.0", {"offset": 0, "scale": -1}),
        "an infinite scale": _value(f"{MEMBER}.known.0", {"offset": 0, "scale": 1e39}),
        "an infinite offset": _value(f"{MEMBER}.static.1", {"offset": 1e39, "scale": 1}),
        "a scale that is no number": _value(f"{MEMBER}.static.1", {"offset": 0, "scale": "1e400"}),
        "an unknown feature of dates": _value("roles.calendar", unknown),
        "a feature of a column that is not known": _value("roles.calendar", {"sales": "weekday"}),
        "a feature of no column": _value("roles.calendar", {"tide": "weekday"}),
        "holidays of nowhere": _value("roles.calendar", {"weekday": "holiday:../../etc"}),
        "no series": _value("data.series", 0),
        "fewer than no series": _value("data.series", -1),
        "countless series": _value("data.series", 10**13),
        "golden code out of range": _code(2.0),
        "golden code below zero": _code(-1.0),
        "golden code between two": _code(0.5),
        "golden code beyond all": _code(3e38),
        "golden known of another width": _golden("known", lambda known: known[:, :, :1]),
        "golden known of fewer rows": _golden("known", lambda known: known[:, :-1]),
        "golden known of fewer windows": _golden("known", lambda known: known[:1]),
        "golden attributes of another width": _golden("static", lambda static: static[:, :2]),
        "golden attributes of fewer windows": _golden("static", lambda static: static[:1]),
        "no golden attributes": _value("golden.static", None),
        "an embedding of other vectors": _array("layers/embedding/vars/0", (2, 2)),
        "an embedding of fewer categories": _embedding((1, 1)),
        "an embedding of a million": _embedding((10**6, 1)),
        "a decoder of another width": _array("layers/dense/vars/0", (8, 3)),
        "a second input of one name": _layers(_twice),
        "two inputs called past": _layers(_renamed),
        "an input of another width": _layers(_wider),
        "an embedding bomb in the graph": _layers(
            lambda layers: next(e for e in layers if e["class_name"] == "Embedding")["config"].update(input_dim=10**9)
        ),
    }


def altered():
    """`{name: bytes}`: sound as far as numbers tell, but not what was trained: the golden batch refuses these."""
    return {
        "another scale": _value(f"{MEMBER}.known.0", {"offset": 0, "scale": 2}),
        "another attribute's scale": _value(f"{MEMBER}.static.1", {"offset": 0, "scale": 1e-3}),
        "another golden category": _golden(
            "static", lambda static: np.column_stack([1 - static[:, :1], static[:, 1:]])
        ),
        "another golden row ahead": _golden("known", lambda known: known + 1),
    }


def mutation(number):
    """The manifest or the graph with some value, key or text altered; hashes right; a number makes the same again."""
    luck = random.Random(f"roles {number}")
    return forged(GOOD, **{luck.choice(["manifest", "manifest", "graph"]): lambda content: alter(content, luck)})
