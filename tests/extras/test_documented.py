"""The examples of public names that need an optional package."""

import pytest

from tests.backend.test_documented import EXTRA, check_example


@pytest.mark.parametrize("name", sorted(EXTRA))
def test_the_example_is_true(name, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    check_example(name)
