"""Exchange with real PyTorch modules from the other backends: only here are both installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXCHANGE = Path(__file__).parents[1] / "backend" / "test_torch_exchange.py"


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_weights_and_fifty_steps_agree_with_pytorch_on_other_backends(backend):
    wanted = "agrees_with_the_pytorch_model or fifty_adam_steps or inverse"
    command = [sys.executable, "-m", "pytest", str(EXCHANGE), "-W", "ignore", "-k", wanted, "-p", "no:cacheprovider"]
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout
