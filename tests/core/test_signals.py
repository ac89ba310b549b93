"""Signals are noted where work must stay whole, and delivered after it."""

import os
import signal
import threading

import pytest

from kerasforecast.runtime.signals import Deferred

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@pytest.fixture
def heard():
    """The signals that reach the program's own handlers."""
    numbers = []
    handlers = {
        number: signal.signal(number, lambda number, frame: numbers.append(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    yield numbers
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_signal_waits_for_the_end_of_the_block(heard):
    with Deferred() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.number == signal.SIGTERM
        assert heard == []
    assert heard == [signal.SIGTERM]


def test_a_signal_that_was_taken_is_dealt_with(heard):
    with Deferred() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.take() == signal.SIGTERM
    assert heard == []


def test_a_second_signal_does_what_it_would_have_done(heard):
    with Deferred():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]


def test_a_closing_terminal_may_say_so_twice(heard):
    with Deferred() as stop:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        assert heard == []
        stop.take()


def test_blocks_within_blocks_pass_a_signal_on(heard):
    with Deferred() as outer:
        with Deferred():
            signal.raise_signal(signal.SIGTERM)
        assert outer.take() == signal.SIGTERM
    assert heard == []


def test_an_error_in_the_block_does_not_lose_the_signal(heard):
    with pytest.raises(OSError, match="full"), Deferred():
        signal.raise_signal(signal.SIGTERM)
        raise OSError("full")
    assert heard == [signal.SIGTERM]


def test_ignored_signals_stay_ignored(heard):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Deferred() as stop:
        signal.raise_signal(signal.SIGHUP)
        assert stop.number is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_outside_the_main_thread_the_block_just_runs(heard):
    ran = []

    def work():
        with Deferred():
            ran.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [before]
