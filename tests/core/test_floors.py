"""The lowest versions that are tested are the lowest that are allowed."""

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def named(text, sign):
    """Versions by package, of lines such as `numpy>=1.26`."""
    found = re.findall(rf"^\s*([\w.-]+){sign}([\w.]+)\s*$", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): re.sub(r"(\.0)+$", "", version) for name, version in found}


def test_each_floor_is_what_core_lowest_installs():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    allowed = named(setup["options"]["install_requires"], ">=") | named(setup["options.extras_require"]["test"], ">=")
    assert len(allowed) >= 18
    installed = named((ROOT / "constraints-lowest.txt").read_text(), "==")
    assert {name: installed[name] for name in allowed} == allowed
