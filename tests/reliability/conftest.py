"""What must hold when machines, files and people misbehave: in seconds by default, in full with `--soak`."""

import time
from collections.abc import Callable

import pytest

from tests.reliability.fits import FIT, Launcher, weights_of


def pytest_addoption(parser):
    parser.addoption("--soak", action="store_true", help="Run the long form: thousands of cases, not a few of each.")


@pytest.fixture(scope="session")
def soak(request) -> bool:
    """Whether this is the long form."""
    return request.config.getoption("--soak", default=False)


@pytest.fixture(scope="session")
def cases(soak) -> Callable[[int, int], int]:
    """`cases(short, long)`: how many cases a test is to try."""
    return lambda short, long: long if soak else short


@pytest.fixture(scope="session")
def launcher():
    """Starts commands without the seconds that imports take."""
    found = Launcher()
    yield found
    found.close()


@pytest.fixture(scope="session")
def reference(launcher, tmp_path_factory):
    """The weights of a fit that nobody disturbed, and how long it takes in seconds."""
    folder = tmp_path_factory.mktemp("reference")
    for _ in range(2):  # the first may have compiled what the second found
        began = time.monotonic()
        code, said = launcher.start(folder, *FIT, "--name", "acme").wait()
        assert code == 0, said
    return weights_of(folder / "saved_models" / "acme.keras"), time.monotonic() - began
