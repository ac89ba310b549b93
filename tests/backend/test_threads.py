"""How many threads train on PyTorch: one for small work, the faster way for large. No test looks at a real clock."""

import logging
import re

import keras
import pytest

import kerasforecast as kf
from kerasforecast.layers import threads
from kerasforecast.layers.threads import SMALL, Trial, chosen_threads
from tests.backend.conftest import BACKEND
from tests.backend.conftest import SMALL as TINY

only_torch = pytest.mark.skipif(BACKEND != "torch", reason="the others' threads wait for no one")


class Machine:
    """Steps that take what `seconds(threads, step)` says, by a clock of its own."""

    def __init__(self, seconds):
        self.seconds, self.now, self.threads, self.used = seconds, 0.0, 2, []
        self.trial = Trial(2, self.use, lambda: self.now)

    def use(self, count):
        self.threads = count

    def train(self, steps):
        for step in range(steps):
            self.trial.on_train_batch_begin(step)
            self.used.append(self.threads)
            self.now += self.seconds(self.threads, step)
            self.trial.on_train_batch_end(step)
        return self


def test_two_threads_stay_where_they_are_faster(caplog):
    machine = Machine(lambda count, step: 9.0 if step == 0 else 0.1 / count).train(500)
    assert machine.used.count(1) == 5  # those that were tried
    assert machine.threads == 2
    assert caplog.text == ""


def test_one_thread_stays_where_it_is_as_fast(caplog):
    machine = Machine(lambda count, step: 0.1).train(500)
    assert (machine.used.count(2), machine.threads) == (6, 1)
    assert caplog.text == ""


@pytest.mark.parametrize("begin", [0, 100, 111])
def test_on_a_busy_machine_one_thread_goes_on_and_that_is_said(begin, caplog):
    machine = Machine(lambda count, step: 0.1 / count if step < begin or count == 1 else 4.0).train(500)
    assert machine.threads == 1
    assert machine.used[begin:].count(2) <= 40
    (line,) = caplog.messages
    assert re.match(r"One thread computes from here on: with 2 a step took \d.* s, with one 0\.1 s, since", line)
    assert line.endswith("threads=2 keeps them.")


def test_a_machine_on_which_both_ways_become_slow_goes_on_as_it_was():
    machine = Machine(lambda count, step: (0.1 if step < 100 else 1.0) / count).train(500)
    assert machine.threads == 2


def test_short_steps_are_not_worth_a_trial():
    machine = Machine(lambda count, step: 1e-4 / count if step < 100 else 1e-3).train(500)
    assert machine.used.count(1) == 5


def network(units):
    past = keras.Input((8, 1))
    return keras.Model(past, keras.layers.Dense(units)(keras.layers.Flatten()(past)))


@pytest.fixture
def pool(monkeypatch):
    """As if PyTorch had four threads and nobody had chosen."""
    from kerasforecast.layers.kernels import torch as module

    found = {"now": 4, "before": []}
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(module, "threads", lambda: found["now"])
    monkeypatch.setattr(module, "set_threads", lambda count: found.update(now=count))
    return found


@only_torch
def test_a_small_network_is_trained_by_one_thread(pool):
    with chosen_threads(network(4), 32) as callbacks:
        assert (pool["now"], callbacks) == (1, [])
    assert pool["now"] == 4


@only_torch
def test_a_large_one_tries_several(pool):
    batch = SMALL // network(64).count_params() + 1
    with pytest.raises(ZeroDivisionError), chosen_threads(network(64), batch) as callbacks:
        assert pool["now"] == 4
        assert [type(each) for each in callbacks] == [Trial]
        pool["now"] = 1
        raise ZeroDivisionError
    assert pool["now"] == 4  # whatever ends a training


@only_torch
def test_one_of_a_size_that_is_not_known_yet_tries_several(pool):
    with chosen_threads(keras.Sequential([keras.layers.Dense(1)]), 32) as callbacks:
        assert [type(each) for each in callbacks] == [Trial]


@only_torch
@pytest.mark.parametrize("units", [4, 2**18])
def test_a_number_that_was_chosen_is_kept(units, pool, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")  # as --threads 4 does
    with chosen_threads(network(units), 1024) as callbacks:
        assert (pool["now"], callbacks) == (4, [])


@only_torch
def test_a_fit_computes_with_one_thread_and_leaves_the_process_as_it_was(pool, frame):
    seen = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(pool["now"]))
    kf.fit(frame, callbacks=[callback], **TINY)
    assert set(seen) == {1}
    assert pool["now"] == 4


@pytest.mark.skipif(BACKEND == "torch", reason="this is for the others")
def test_other_backends_are_left_alone():
    with chosen_threads(network(4), 32) as callbacks:
        assert callbacks == []


def test_what_is_said_comes_by_the_package_s_logger():
    assert threads.log is logging.getLogger("kerasforecast")
