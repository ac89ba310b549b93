"""Training: order of windows, early stopping, the learning rate, and a loss that is no number."""

from itertools import pairwise

import keras
import numpy as np
import pytest

from kerasforecast.errors import DivergedError, StoppedError
from kerasforecast.layers import while_training
from kerasforecast.models.network import build, initialise
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.fit_scaling import fit_scaling
from kerasforecast.preprocessing.windows import Samples
from kerasforecast.runtime.signals import Deferred
from kerasforecast.sections.network import NetworkConfig
from kerasforecast.sections.training import TrainingConfig
from kerasforecast.training import train as training_module
from kerasforecast.training.callbacks import Keeping, Plateau
from kerasforecast.training.feeding import training_batches
from kerasforecast.training.order import shuffled
from kerasforecast.training.train import compile_model, train
from tests.backend.conftest import BACKEND

NETWORK = NetworkConfig(window=6, units=3, layers=1, dropout=0.0)


def samples(count, seed=0):
    random = np.random.default_rng(seed)
    walk = 50 * np.exp(np.cumsum(0.03 * random.normal(size=(count, 7, 1)), axis=1))
    return Samples(walk[:, :6], walk[:, 6])


def run(config, training=None, validation=None, network=NETWORK, keeping=None):
    training, validation = training or samples(64), validation or samples(40, seed=1)
    scaling = fit_scaling(network.scaling, training.windows, ("p",))
    model = build(network, scaling, "training", config.seed)
    initialise(model, network, config.seed)
    return (
        model,
        scaling,
        train(model, training.training_set(scaling), validation.training_set(scaling), config, keeping=keeping),
    )


def test_shuffled_order_depends_on_seed_and_epoch_alone():
    assert shuffled(8, seed=0, epoch=0).tolist() == [1, 3, 0, 6, 2, 5, 4, 7]
    assert not np.array_equal(shuffled(8, 0, 0), shuffled(8, 0, 1))
    assert not np.array_equal(shuffled(8, 0, 0), shuffled(8, 1, 0))


def test_an_epoch_holds_every_window_once_and_its_target_beside_it():
    data = samples(10)
    scaling = fit_scaling("anchor", data.windows, ("p",))
    known = data.training_set(scaling)
    batches = training_batches(known, 4, seed=0)
    x, y, weights = (np.concatenate(parts) for parts in zip(*(next(batches) for _ in range(3)), strict=True))
    assert len(x) == 12  # whole batches, for one compilation
    np.testing.assert_array_equal(weights, [1] * 10 + [0, 0])
    np.testing.assert_array_equal(x[:10], data.batch(shuffled(10, 0, 0)).past)
    np.testing.assert_array_equal(y[:10], known.targets[shuffled(10, 0, 0)])
    np.testing.assert_array_equal(next(batches)[0], data.batch(shuffled(10, 0, 1)[:4]).past)


def test_an_epoch_of_few_steps_takes_other_windows_each_time():
    known = TrainingSet(samples(11), np.arange(11.0)[:, None])
    batches = training_batches(known, 2, seed=0, steps=3)
    epochs = [np.concatenate([next(batches)[1][:, 0] for _ in range(3)]).tolist() for _ in range(2)]
    assert epochs == [shuffled(11, 0, epoch)[:6].tolist() for epoch in range(2)]
    config = TrainingConfig(epochs=2, batch_size=4, steps_per_epoch=3)
    model, *_ = run(config)
    assert keras.ops.convert_to_numpy(model.optimizer.iterations) == 2 * 3


def test_a_filled_up_batch_steps_as_its_own_windows_alone():
    data = samples(5)
    scaling = fit_scaling("anchor", data.windows, ("p",))
    known = data.training_set(scaling)
    filled, alone = (build(NETWORK, scaling, "training") for _ in range(2))
    for model in (filled, alone):
        initialise(model, NETWORK, 0)
        compile_model(model, TrainingConfig(optimizer="sgd", learning_rate=0.5))
    filled.train_on_batch(*next(training_batches(known, 8, seed=0)))
    alone.train_on_batch(data.batch().past, known.targets)
    for one, other in zip(filled.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert next(training_batches(known, 5, seed=0))[0].shape == (5, 6, 1)
    assert len(next(training_batches(known, 5, seed=0))) == 2  # even: no weights needed


@pytest.mark.parametrize("family", ["lstm", "gru", "coupled"])
def test_a_step_is_the_one_keras_makes_of_the_same_graph(family):
    network = NetworkConfig(model=family, window=6, units=3, layers=2, dropout=0.0, bidirectional=family == "gru")
    data = samples(8)
    scaling = fit_scaling("anchor", data.windows, ("p",))
    ours = build(network, scaling, "training")
    plain = build(network, scaling, "training")
    plain = keras.Model(plain.inputs[0], plain.outputs[0])
    weights, targets = np.linspace(0, 1, 8, dtype=np.float32), data.training_set(scaling).targets
    for model in (ours, plain):
        initialise(model, network, 0)
        compile_model(model, TrainingConfig(optimizer="sgd", learning_rate=0.5))
        wrong = np.asarray(model.predict_on_batch(data.batch().past)) - targets
        loss = model.train_on_batch(data.batch().past, targets, weights)
        assert loss == pytest.approx(np.average(wrong[:, 0] ** 2, weights=weights), rel=1e-5)
    for one, other in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_keras_sees_the_windows_in_our_order():
    """One SGD step at a time from the same start, by hand and by `fit`, lands on the same weights."""
    config = TrainingConfig(epochs=2, batch_size=16, optimizer="sgd", learning_rate=0.05, patience=50)
    fitted, scaling, _ = run(config)
    data = samples(64)
    byhand = build(NETWORK, scaling, "training", 0)
    initialise(byhand, NETWORK, 0)
    compile_model(byhand, config)
    batches = training_batches(data.training_set(scaling), 16, seed=0)
    histories = []
    for step in range(8):
        byhand.train_on_batch(*next(batches))
        if step % 4 == 3:
            histories.append([array.copy() for array in byhand.get_weights()])
    kept = fitted.get_weights()
    distances = [max(np.abs(a - b).max() for a, b in zip(kept, stage, strict=True)) for stage in histories]
    assert min(distances) < 1e-6  # the better of the two epochs was kept


def test_best_epoch_is_kept_and_training_stops_when_validation_does_not_improve():
    config = TrainingConfig(epochs=60, batch_size=8, learning_rate=0.05, patience=3, lr_patience=50)
    model, scaling, history = run(config)
    losses = [epoch.val_loss for epoch in history.epochs]
    assert history.stopped_early
    assert history.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == history.best_epoch + 3
    data = samples(40, seed=1)
    targets = data.training_set(scaling).targets
    again = model.evaluate(data.batch().past, targets, batch_size=40, verbose=0)
    assert again == pytest.approx(min(losses), rel=1e-5)


def test_validation_is_in_batches_of_one_shape_and_its_loss_the_mean_of_all(monkeypatch):
    monkeypatch.setattr(training_module, "_EVALUATION_BATCH", 16)
    seen, fed = [], TrainingSet.fed

    def noting(self, indices, key):
        seen.append(len(indices))
        return fed(self, indices, key)

    monkeypatch.setattr(TrainingSet, "fed", noting)
    for count, size in ((47, 16), (45, 15), (10, 10)):
        config = TrainingConfig(epochs=1, batch_size=8)
        model, scaling, history = run(config, training=samples(16), validation=samples(count, seed=1))
        assert set(seen) == {8, size}
        seen.clear()
        data = samples(count, seed=1)
        whole = model.evaluate(data.batch().past, data.training_set(scaling).targets, batch_size=count, verbose=0)
        assert history.epochs[0].val_loss == pytest.approx(
            whole, rel=0.03 if count == 47 else 1e-5
        )  # a batch of 15 counts as 16


def test_the_loss_of_a_solution_is_of_no_more_windows_than_say_it(monkeypatch):
    monkeypatch.setattr(training_module, "_LOOKED_AT", 12)
    seen, batch = [], Samples.batch
    monkeypatch.setattr(Samples, "batch", lambda self, *at: seen.append(len(np.unique(at[0]))) or batch(self, *at))
    scaling = fit_scaling("anchor", samples(64).windows, ("p",))
    model = build(NETWORK, scaling, "training", 0)
    initialise(model, NETWORK, 0)
    model.trainable = False
    sets = samples(64).training_set(scaling), samples(40, seed=1).training_set(scaling)
    seen.clear()
    train(model, *sets, TrainingConfig(epochs=1), solved=True)
    assert set(seen) == {12, 40}


def test_learning_rate_falls_when_validation_stalls():
    config = TrainingConfig(epochs=12, learning_rate=1e-8, optimizer="sgd", patience=50, lr_patience=2, lr_factor=0.1)
    *_, history = run(config)
    rates = [epoch.learning_rate for epoch in history.epochs]
    assert rates[0] == 1e-8
    assert min(rates) == pytest.approx(1e-9, rel=1e-3) or min(rates) < 1e-9
    assert all(later <= earlier for earlier, later in pairwise(rates))


def test_a_loss_that_is_no_number_ends_the_run():
    broken = samples(64)
    broken.following[3] = np.nan
    with pytest.raises(DivergedError, match="finite number"):
        run(TrainingConfig(epochs=3), training=broken)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_every_optimizer_and_loss_learns_a_constant_drift(optimizer, loss):
    rising = 100 * 1.02 ** np.arange(7.0)[None, :, None] * np.linspace(1, 2, 64)[:, None, None]
    noise = 1 + 0.002 * np.random.default_rng(0).normal(size=rising.shape)
    data = Samples((rising * noise)[:, :6], (rising * noise)[:, 6])
    config = TrainingConfig(epochs=15, batch_size=8, optimizer=optimizer, loss=loss, learning_rate=0.02, patience=50)
    *_, history = run(config, data, data)
    assert history.best.val_loss < 0.3 * history.epochs[0].loss


def test_clipnorm_bounds_the_step():
    config = TrainingConfig(clipnorm=0.5, optimizer="sgd", learning_rate=1.0)
    model = build(NETWORK, fit_scaling("none", samples(8).windows, ("p",)), "training")
    initialise(model, NETWORK, 0)
    compile_model(model, config)
    before = [array.copy() for array in model.get_weights()]
    model.train_on_batch(samples(8).batch().past, np.full((8, 1), 1e6, np.float32))
    moved = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(before, model.get_weights(), strict=True)))
    assert moved == pytest.approx(0.5, rel=1e-3)
    assert keras.ops.convert_to_numpy(model.optimizer.iterations) == 1


@pytest.fixture
def in_blocks(monkeypatch):
    """Have TensorFlow run steps in blocks however short the training is."""
    monkeypatch.setattr(training_module, "WORTH_BLOCKS", 0)


def test_a_training_stopped_anywhere_goes_on_to_the_same_weights_and_losses(in_blocks):
    """The whole is cut into as many trainings as states were saved: after every other step, and after each epoch."""
    config = TrainingConfig(epochs=3, batch_size=16, lr_patience=1, patience=2, learning_rate=0.05)
    network = NETWORK.model_copy(update={"dropout": 0.3})
    states = []
    whole, _, history = run(config, network=network, keeping=Keeping(states.append, Deferred(), every=2))
    expected = [array.tobytes() for array in whole.get_weights()]
    losses = [(epoch.loss, epoch.val_loss, epoch.learning_rate) for epoch in history.epochs]
    found = [(len(state.epochs), state.step) for state in states]
    # TensorFlow runs these four steps as one block.
    assert (
        found[:3] == ([(1, 0), (2, 0), (3, 0)] if BACKEND == "tensorflow" else [(0, 2), (1, 0), (1, 2)])[: len(found)]
    )
    for state in states:
        model, _, again = run(config, network=network, keeping=Keeping(lambda _: None, Deferred(), start=state))
        assert [array.tobytes() for array in model.get_weights()] == expected
        assert [(epoch.loss, epoch.val_loss, epoch.learning_rate) for epoch in again.epochs] == losses
        assert (again.best_epoch, again.stopped_early) == (history.best_epoch, history.stopped_early)


def test_a_signal_ends_training_after_the_step_and_saves_it(in_blocks):
    states, stop = [], Deferred()

    def save(state):
        states.append(state)
        stop.number = 15

    with pytest.raises(StoppedError) as stopped:
        run(TrainingConfig(epochs=3, batch_size=16), keeping=Keeping(save, stop, every=3))
    assert stopped.value.exit_code == 143
    found = [(len(state.epochs), state.step) for state in states]
    assert found == ([(1, 0)] if BACKEND == "tensorflow" else [(0, 3)])


def test_the_rate_falls_when_keras_would_lower_it():
    losses = [1.0, 0.9, 0.89995, 0.91, 0.92, 0.5, 0.5, 0.5, 0.5, 0.5]
    optimizer = keras.optimizers.SGD(1.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    theirs = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=2)
    theirs.set_model(model)
    theirs.on_train_begin()
    ours, rate = Plateau(2), 1.0
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        rate *= 0.5 if ours.reached(loss) else 1
        assert rate == float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    assert rate < 0.5


def test_a_training_leaves_the_processor_and_memory_settings_as_they_were():
    def tiny_is_lost():
        return bool(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(np.float32([1e-40])) * 0.5)[0] == 0)

    before = tiny_is_lost()
    with while_training():
        inside = tiny_is_lost()
    assert tiny_is_lost() == before
    assert inside  # on PyTorch by our setting, elsewhere always
    with pytest.raises(ZeroDivisionError), while_training():
        1 / 0  # noqa: B018
    assert tiny_is_lost() == before
