"""What the documentation shows does what it says: the examples of public names, and the README's Python section."""

import doctest
import importlib
import re
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kerasforecast as kf
from tests.backend.conftest import prices

ROOT = Path(__file__).parents[2]
EXTRA = {"export"}  # needs an optional package: tests/extras/test_documented.py
PUBLIC = [name for name in kf.__all__ if name != "errors" and not name.endswith("Error") and name not in EXTRA]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example_that_is_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_example(name)


def check_example(name):
    value = getattr(kf, name)
    source = vars(importlib.import_module(value.__module__))
    tests = doctest.DocTestFinder(recurse=False).find(value, name, globs=dict(source))
    results = [doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test) for test in tests]
    assert sum(result.attempted for result in results) > 1
    assert not sum(result.failed for result in results)


def test_the_readme_s_python_section_runs(tmp_path, monkeypatch):
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## From Python\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?:^(?:    .*)?\n)+", section, re.MULTILINE)
    code = textwrap.dedent("".join(block for block in blocks if block.strip()))
    assert {"kf.fit(", "kf.load(", "kf.backtest(", "kf.compare(", "KerasForecaster(", "many.future_frame("} <= set(
        re.findall(r"[\w.]+\(", code.replace("kf.KerasForecaster", "KerasForecaster"))
    )
    code = re.sub(r"epochs=\d+", "epochs=1", code)  # how to call is shown, not how well it does
    monkeypatch.chdir(tmp_path)
    prices(400).to_csv("prices.csv")
    closes = prices(400)["Close"].to_numpy()
    names = {"windows": np.lib.stride_tricks.sliding_window_view(closes, 60)[:5, :, None], "closes": closes}
    names["shops"] = shops()
    exec(compile(code, "README.md", "exec"), names)
    assert names["h"].shape == names["c"].shape == (2, 5, 50)
    assert (tmp_path / "prices.keras").is_file()
    assert list(names["many"].test.per_series["shop"]) == ["S0", "S1", "S2"]
    assert {each.name for each in names["many"].test.importance.covariates} == {"price"}
    assert names["one"].manifest.lineage.parent == names["many"].manifest.name


def shops() -> pd.DataFrame:
    """Sales of three shops by the day, which move with a price that is set."""
    random = np.random.default_rng(0)
    dates = pd.date_range("2024-01-01", periods=110, freq="D")
    each = []
    for place in range(3):
        price = 10 + random.normal(size=len(dates))
        sales = 50 * (place + 1) * (1 + 0.2 * np.sin(2 * np.pi * np.arange(len(dates)) / 7) - 0.02 * price)
        each.append(pd.DataFrame({"shop": f"S{place}", "date": dates, "sales": sales, "price": price}))
    return pd.concat(each)
