"""Default names of models and results: no other table's are replaced without a word."""

import pytest

import kerasforecast as kf
from tests.backend.conftest import SMALL, prices

QUICK = SMALL | {"epochs": 1}


@pytest.fixture
def tables(tmp_path):
    """Two tables whose names differ behind the first dot, and one of another script."""
    paths = [tmp_path / name for name in ("BRK.A.csv", "BRK.B.csv", "株価.csv")]
    for seed, path in enumerate(paths):
        prices(120, seed=seed).to_csv(path)
    return paths


def test_each_table_has_its_own_model(tables, tmp_path):
    models = [kf.fit(path, output_dir=tmp_path / "models", **QUICK) for path in tables]
    assert [model.manifest.name for model in models] == ["BRK.A", "BRK.B", "株価"]
    assert [model.files["model"].name for model in models] == ["BRK.A.keras", "BRK.B.keras", "株価.keras"]
    assert all(kf.load(model.files["model"]).manifest.name == model.manifest.name for model in models)


def test_a_model_of_another_table_is_not_replaced_without_its_name(tables, tmp_path):
    models = tmp_path / "models"
    path = kf.fit(tables[0], output_dir=models, **QUICK).files["model"]
    before = path.read_bytes()
    elsewhere = tmp_path / "elsewhere" / "BRK.A.csv"
    elsewhere.parent.mkdir()
    tables[1].rename(elsewhere)
    with pytest.raises(kf.OptionError) as caught:
        kf.fit(elsewhere, output_dir=models, **QUICK)
    assert str(caught.value) == (
        f"{path} came out of {tables[0]}, and is not replaced without its name. Received: {elsewhere}. Give name=."
    )
    assert path.read_bytes() == before
    kf.fit(elsewhere, output_dir=models, name="BRK.A", **QUICK)  # the name was given
    assert path.read_bytes() != before


def test_the_same_table_read_again_replaces_its_model(tables, tmp_path, monkeypatch):
    models = tmp_path / "models"
    kf.fit(tables[0], output_dir=models, **QUICK)
    prices(130).to_csv(tables[0])  # it has grown
    monkeypatch.chdir(tmp_path)
    kf.fit("BRK.A.csv", output_dir=models, **QUICK)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "BRK.A.csv").write_bytes(tables[0].read_bytes())
    assert kf.fit("copy/BRK.A.csv", output_dir=models, **QUICK).manifest.data.rows == 130  # the very same rows


def test_a_frame_is_its_rows(tmp_path):
    kf.fit(prices(120), output_dir=tmp_path, **QUICK)
    kf.fit(prices(120), output_dir=tmp_path, **QUICK)
    with pytest.raises(kf.OptionError, match="came out of another DataFrame, and is not replaced"):
        kf.fit(prices(120, seed=1), output_dir=tmp_path, **QUICK)


def test_what_cannot_be_read_is_not_replaced(tables, tmp_path):
    (tmp_path / "BRK.A.keras").write_bytes(b"someone's notes")
    with pytest.raises(kf.OptionError, match="came out of what cannot be read"):
        kf.fit(tables[0], output_dir=tmp_path, **QUICK)


def test_results_of_a_walk_are_not_replaced_either(tables, tmp_path):
    walk = {"output_dir": tmp_path / "models", "folds": 2, "refit": False, **QUICK}
    kf.backtest(tables[0], **walk)
    kf.backtest(tables[0], **walk)
    other = tmp_path / "other" / "BRK.A.csv"
    other.parent.mkdir()
    tables[1].rename(other)
    with pytest.raises(kf.OptionError, match=r"backtest\.json came out of .*, and is not replaced"):
        kf.backtest(other, **walk)
    kf.backtest(prices(120), **walk)
    kf.backtest(prices(120), **walk)  # goes on with its folds
