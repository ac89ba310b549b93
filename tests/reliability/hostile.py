"""Model files as an accident or an attacker leaves them, made from a good one; a number makes the same again."""

import copy
import hashlib
import io
import json
import random
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np

from kerasforecast.artifact.format.archive import GRAPH, KERAS_MEMBERS, MANIFEST, WEIGHTS, pack

GOOD = (Path(__file__).parents[2] / "saved_models" / "golden.keras").read_bytes()
_EPOCH = (1980, 1, 1, 0, 0, 0)
HEAD = "layers/dense/vars/0"

NUMBERS = [0, 1, -1, 2**31, 2**63, 2**64 - 1, 10**30, 1.5, -0.0, 1e-320, 1e308, 1e39, True]
VALUES = [
    None,
    "",
    "x" * 5_000,
    "__import__('os').system('id')",
    "/etc/passwd",
    "../../x",
    "\x00",
    "\u202e",
    [],
    {},
    [[]],
]


def members(data=GOOD):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(base=GOOD, **changes):
    """The good file with members replaced, and every hash and checksum made right again, as a forger would.

    Args:
        base: Another good file.
        **changes: `manifest`, `graph`: called with the parsed JSON, which they change; `weights`: the bytes.
    """
    content = members(base)
    if "graph" in changes:
        content[GRAPH] = json.dumps(_changed(content[GRAPH], changes["graph"])).encode()
    if "weights" in changes:
        content[WEIGHTS] = changes["weights"]
    manifest = json.loads(content[MANIFEST])
    manifest["hashes"] = {name: hashlib.sha256(content[name]).hexdigest() for name in KERAS_MEMBERS}
    if "manifest" in changes:
        changes["manifest"](manifest)
    content[MANIFEST] = json.dumps(manifest).encode()
    return pack(content)


def _changed(text, change):
    content = json.loads(text)
    change(content)
    return content


def with_text(text):
    """The good file with another text for a manifest."""
    return pack(members() | {MANIFEST: text})


def with_hdf5(change, base=GOOD):
    """The good file, or `base`, after `change(h5py.File)`."""
    buffer = io.BytesIO(members(base)[WEIGHTS])
    with h5py.File(buffer, "r+") as file:
        change(file)
    return forged(base, weights=buffer.getvalue())


def zipped(entries, compression=zipfile.ZIP_STORED, stored=()):
    """An archive of `(name, data)` pairs, in any disorder; those named by `stored` are not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            method = zipfile.ZIP_STORED if name in stored else compression
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, method)
    return buffer.getvalue()


def bit_flip(number):
    """One bit of the good file turned over."""
    place = random.Random(f"bit {number}").randrange(8 * len(GOOD))
    data = bytearray(GOOD)
    data[place // 8] ^= 1 << place % 8
    return bytes(data)


def mutation(number):
    """`(kind, data)`: kinds in turn, each file different from the good one."""
    kind = ("bytes", "zip", "json", "hdf5")[number % 4]
    luck = random.Random(f"{kind} {number}")
    whole = GOOD, zipped(members().items(), zipfile.ZIP_DEFLATED)  # stored, or deflated: both are forms we write
    while (data := _MUTATIONS[kind](luck)) in whole:
        pass
    return kind, data


def _damaged(data, luck):
    """Bytes cut, moved, doubled, overwritten."""
    start = luck.randrange(len(data))
    end = min(len(data), start + luck.choice([1, 2, 8, 64, 1024]))
    piece = data[start:end]
    where = luck.randrange(len(data))
    return luck.choice(
        [
            data[:start],
            data[start:],
            data[:start] + data[end:],
            data[:start] + bytes(len(piece)) + data[end:],
            data[:start] + luck.randbytes(len(piece)) + data[end:],
            data[:start] + b"\xff" * len(piece) + data[end:],
            data[:where] + piece + data[where:],
            data[:where] + piece + data[where + len(piece) :],
            data + luck.randbytes(luck.randrange(1, 100)),
            luck.randbytes(luck.randrange(1, 100)) + data,
        ]
    )


def _damaged_zip(luck):
    """Another archive, or the same with its headers tampered with."""
    entries = list(members().items())
    if luck.random() < 0.5:
        name, data = luck.choice(entries)
        change = luck.randrange(6)
        if change == 0:
            entries.remove((name, data))
        elif change == 1:
            entries.append((name, luck.choice([data, b"", b"other"])))
        elif change == 2:
            entries[entries.index((name, data))] = (luck.choice(["../x", "/x", "a\\b", name.upper(), name + "/"]), data)
        elif change == 3:
            luck.shuffle(entries)
        elif change == 4:
            entries.insert(luck.randrange(5), (luck.choice(["../../evil.py", "assets/x.txt", ".", "x" * 300]), b"1"))
        if change == 5:
            return zipped(entries, zipfile.ZIP_DEFLATED, stored=(name,))
        return zipped(entries, luck.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    data = bytearray(GOOD)
    headers = [place for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6") for place in _places(GOOD, mark)]
    place = luck.choice(headers) + luck.randrange(4, 46)
    form = luck.choice(["<B", "<H", "<I"])
    wanted = luck.choice([0, 1, 8, 0x0809, 0xFFFF, 0xFFFFFFFF, len(data), luck.randrange(2**32)])
    if place + struct.calcsize(form) <= len(data):
        struct.pack_into(form, data, place, wanted & (256 ** struct.calcsize(form) - 1))
    return bytes(data)


def _damaged_json(luck):
    """The manifest or the graph with a value, key or the text itself altered; hashes right."""
    if luck.random() < 0.1:
        return with_text(_damaged(members()[MANIFEST], luck))
    part = luck.choice(["manifest", "manifest", "graph"])
    return forged(**{part: lambda content: alter(content, luck)})


def alter(content, luck):
    """Change one thing of parsed JSON."""
    holders = []
    left = [content]
    while left:
        node = left.pop()
        holders += [(node, key) for key in (node if isinstance(node, dict) else range(len(node)))]
        left += [
            child for child in (node.values() if isinstance(node, dict) else node) if isinstance(child, dict | list)
        ]
    node, key = luck.choice(holders)
    change = luck.randrange(5)
    if change == 0:
        del node[key]
    elif change == 1 and isinstance(node, dict):
        node[luck.choice(["exec", "__class__", "module", "x" * 1000, "\u202e"])] = luck.choice(VALUES)
    elif change == 2:
        node[key] = [copy.deepcopy(node[key])] * luck.choice([1, 2, 1000])
    else:
        node[key] = luck.choice(NUMBERS if isinstance(node[key], int | float) and luck.random() < 0.7 else VALUES)


def _damaged_hdf5(luck):
    """Bytes of the weights file altered, most of them in its structure; hashes right."""
    data = members()[WEIGHTS]
    if luck.random() < 0.3:
        return forged(weights=_damaged(data, luck))
    changed = bytearray(data)
    marks = [place for mark in (b"TREE", b"SNOD", b"HEAP", b"GCOL", b"\x89HDF") for place in _places(data, mark)]
    headers = [place for place in range(0, len(data) - 16, 8) if data[place : place + 2] == b"\1\0" and data[place + 4]]
    for _ in range(luck.choice([1, 1, 2, 5])):
        place = luck.choice(luck.choice([marks, headers])) + luck.choice([0, 1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64])
        form = luck.choice(["<B", "<H", "<I", "<Q"])
        if place + struct.calcsize(form) > len(data):
            continue
        wanted = luck.choice(
            [0, 1, 2, 0xFF, len(data), 2**31, 2**64 - 1, luck.choice(marks), luck.randrange(len(data))]
        )
        struct.pack_into(form, changed, place, wanted & (256 ** struct.calcsize(form) - 1))
    return forged(weights=bytes(changed))


def _places(data, mark):
    found = data.find(mark)
    while found >= 0:
        yield found
        found = data.find(mark, found + 1)


_MUTATIONS = {
    "bytes": lambda luck: _damaged(GOOD, luck),
    "zip": _damaged_zip,
    "json": _damaged_json,
    "hdf5": _damaged_hdf5,
}


def _layer(**node):
    def add(graph):
        graph["config"]["layers"].append({"registered_name": None, "name": "extra", "inbound_nodes": [], **node})

    return forged(graph=add)


def with_value(path, value, base=GOOD):
    """The good file, or `base`, with one value of its manifest replaced."""

    def change(manifest):
        *holders, last = path.split(".")
        for holder in holders:
            manifest = manifest[int(holder) if holder.isdigit() else holder]
        manifest[int(last) if last.isdigit() else last] = value

    return forged(base, manifest=change)


def _replace(file, path=HEAD, **options):
    array = file[path][()]
    del file[path]
    options = {"data": array, **options}
    file.create_dataset(path, **{key: value for key, value in options.items() if value is not None})


def _link(path, link):
    def change(file):
        del file[path]
        file[path] = link

    return with_hdf5(change)


def _virtual(file):
    shape = file[HEAD].shape
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "/", shape)
    del file[HEAD]
    file.create_virtual_dataset(HEAD, layout)


def _overlapping():
    """Two directory entries for the same bytes, as archives that unfold to petabytes have."""
    data = bytearray(GOOD)
    offsets = [place + 42 for place in _places(GOOD, b"PK\1\2")]
    data[offsets[1] : offsets[1] + 4] = data[offsets[0] : offsets[0] + 4]
    return bytes(data)


def _hidden(good):
    """Bytes between the last member and the directory, with the directory's place made right."""
    place = good.index(b"PK\1\2")
    data = bytearray(good[:place] + b"#!/bin/sh" + good[place:])
    struct.pack_into("<I", data, len(data) - 6, place + 9)
    return bytes(data)


def _legacy_hdf5():
    return members()[WEIGHTS]


CODE = "4wEAAAAAAAAAAAAAAAEAAABDAAAAcwQAAAB8AFMAKQFO"  # any marshalled code: it must not be looked at


def hand_made():
    """`{name: bytes}`: one file for each published way to have a model file do what it should not."""
    function = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}
    get_file = {"class_name": "function", "config": "get_file", "module": "keras.utils", "registered_name": "function"}
    nan = np.full((8, 1), np.nan, np.float32)
    entries = list(members().items())
    bomb = [*entries[:2], (WEIGHTS, bytes(200 * 2**20)), entries[3]]
    return {
        "lambda code": _layer(module="keras.layers", class_name="Lambda", config={"function": function}),
        "arbitrary module": _layer(module="os", class_name="system", config="touch /tmp/kerasforecast-was-here"),
        "module of ours": _layer(module="kerasforecast.runtime.files", class_name="atomic_write", config={"path": "x"}),
        "function get_file": _layer(
            module="keras.layers", class_name="Dense", config={"units": 1, "activation": get_file}
        ),
        "activation by name": _layer(
            module="keras.layers", class_name="Dense", config={"units": 1, "activation": "exec"}
        ),
        "string lookup": _layer(module="keras.layers", class_name="StringLookup", config={"vocabulary": "/etc/passwd"}),
        "torch module wrapper": _layer(
            module="keras.layers", class_name="TorchModuleWrapper", config={"module": CODE, "name": "x"}
        ),
        "registered name": _layer(module="keras.layers", class_name="Dense", config={}, registered_name="evil>Run"),
        "graph size bomb": _layer(module="keras.layers", class_name="Dense", config={"units": 10**9}),
        "external storage": with_hdf5(
            lambda file: _replace(file, data=None, shape=(4, 1), dtype="f4", external=[("/etc/passwd", 0, 16)])
        ),
        "external link": _link(HEAD, h5py.ExternalLink("/etc/passwd", "/")),
        "soft link": _link(HEAD, h5py.SoftLink("/layers/dense/vars/1")),
        "virtual dataset": with_hdf5(_virtual),
        "shape bomb": with_hdf5(lambda file: _replace(file, data=None, shape=(10**6, 10**6), dtype="f4")),
        "chunked shape bomb": with_hdf5(
            lambda file: _replace(file, data=None, shape=(10**6, 10**6), dtype="f4", chunks=(1000, 1000), fillvalue=1)
        ),
        "filter": with_hdf5(lambda file: _replace(file, compression="gzip")),
        "double precision": with_hdf5(lambda file: _replace(file, dtype="f8")),
        "big endian": with_hdf5(lambda file: _replace(file, dtype=">f4")),
        "resizable": with_hdf5(lambda file: _replace(file, maxshape=(None, None))),
        "attribute that Keras obeys": with_hdf5(lambda file: file[HEAD].attrs.update({"dtype": "bfloat16"})),
        "circle of groups": with_hdf5(lambda file: file["layers"].__setitem__("again", file["/"])),
        "second name of an array": with_hdf5(lambda file: file["layers"].__setitem__("again", file[HEAD])),
        "nan weights": with_hdf5(lambda file: file[HEAD].write_direct(nan[: file[HEAD].shape[0]])),
        "manifest size bomb": with_value("members.0.network.options.units", 4096),
        "manifest time bomb": with_value("members.0.network.window", 10_000),
        "manifest layers": with_value("members.0.network.options.layers", 16),
        "members without end": forged(manifest=lambda content: content.update(members=content["members"] * 10_000)),
        "members in the graph alone": _layer(module="keras.layers", class_name="GRU", config={"units": 8}),
        "manifest shape bomb": with_value("members.0.weights", [{"path": HEAD, "shape": [10**6, 10**6]}]),
        "a million unknown fields": with_value("config", {f"{number:x}": 1 for number in range(250_000)}),
        "a million wrong values": with_value("roles.past", [1] * 280_000),
        "a list of lists": with_text(b'{"name": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        "empty lists": with_text(b'{"name": [' + b"[]," * 4_000_000 + b"[]]}"),
        "a number of a million digits": with_text(b'{"schema_version": ' + b"9" * 10**6 + b"}"),
        "a field twice": with_text(members()[MANIFEST].replace(b"{", b'{"schema_version": 2, "schema_version": 2,', 1)),
        "a long field": with_text(b'{"' + b"x" * 10**6 + b'": 1}'),
        "not a number": with_text(members()[MANIFEST].replace(b'"seed": 0', b'"seed": NaN')),
        "terminal escapes": with_value("backend", {"\x1b[2J\u202e": "\x1b]0;owned\x07"}),
        "zip bomb": zipped(bomb, zipfile.ZIP_DEFLATED),
        "overlapping members": _overlapping(),
        "hidden bytes": _hidden(GOOD),
        "traversal name": zipped([*entries, ("../../../../tmp/kerasforecast-was-here", b"x")]),
        "absolute name": zipped([*entries, ("/tmp/kerasforecast-was-here", b"x")]),
        "duplicate member": zipped([*entries, (MANIFEST, b"{}")]),
        "compressed members beside stored ones": zipped(entries, zipfile.ZIP_DEFLATED, stored=(MANIFEST,)),
        "a stored member before compressed ones": zipped(entries, zipfile.ZIP_DEFLATED, stored=(entries[0][0],)),
        "members compressed in another way": zipped(entries, zipfile.ZIP_BZIP2),
        "hidden bytes among compressed members": _hidden(zipped(entries, zipfile.ZIP_DEFLATED)),
        "no manifest": zipped(entries[:3]),
        "other assets": zipped([*entries, ("assets/vocabulary.txt", b"x")]),
        "hdf5 alone": _legacy_hdf5(),
        "pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        "nothing": b"",
    }
