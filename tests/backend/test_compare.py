"""Model files that are compared read the table as in their fit."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf

OPTIONS = {"model": "linear", "window": 14, "horizon": 7, "epochs": 1, "progress": False, "date_column": "when"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of shops, and two models of other columns of it."""
    folder, random, days = tmp_path_factory.mktemp("compared"), np.random.default_rng(0), np.arange(90)
    shops = [
        pd.DataFrame(
            {
                "shop": f"shop {place}",
                "when": pd.date_range("2024-01-01", periods=90),
                "opened": random.integers(1, 9, size=90),
                "sales": 50 + 9 * np.sin(days / 7 * 2 * np.pi) + random.normal(size=90),
                "price": random.normal(size=90),
                "region": "north" if place % 2 else "south",
            }
        )
        for place in range(4)
    ]
    pd.concat(shops).to_csv(folder / "shops.csv", index=False)
    rich = {"known": ["price"], "static": ["region"]}
    for name, own in (("rich", rich), ("plain", {})):
        kf.fit(folder / "shops.csv", id="shop", target="sales", **OPTIONS, **own).save(folder / f"{name}.keras")
    return folder


def test_files_know_how_the_table_is_read(folder):
    models, table = [folder / "rich.keras", folder / "plain.keras"], folder / "shops.csv"
    given = {"id": "shop", "target": "sales", "date_column": "when", "known": ["price"], "static": ["region"]}
    told, alone = kf.compare(models, table, horizon=7, **given), kf.compare(models, table, horizon=7)
    assert alone.record.rows[0].series == 4
    pd.testing.assert_frame_equal(told.table, alone.table)


@pytest.mark.same_everywhere
def test_files_of_other_tables_are_refused_in_one_line(folder, tmp_path):
    table = tmp_path / "stores.csv"
    pd.read_csv(folder / "shops.csv").rename(columns={"shop": "store"}).to_csv(table, index=False)
    kf.fit(table, id="store", target="sales", **OPTIONS).save(tmp_path / "other.keras")
    command = ["compare", str(folder / "plain.keras"), str(tmp_path / "other.keras"), "--file", str(table)]
    result = CliRunner().invoke(cli, [*command, "--output-dir", str(tmp_path)])
    assert result.exit_code == 2
    received = f"Received: 'shop' in {folder / 'plain.keras'}, 'store' in {tmp_path / 'other.keras'}. Give --id."
    assert result.stderr == f"error: Models compared on one table must agree on --id. {received}\n"
    result = CliRunner().invoke(cli, [*command, "--id", "store", "--horizon", "7", "--output-dir", str(tmp_path)])
    assert result.exit_code == 0, result.stderr
