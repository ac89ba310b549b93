"""What must hold when machines, files and people misbehave: in seconds by default, in full with `--soak`."""

from collections.abc import Callable

import pytest


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
