"""A step of training and one of Adam in PyTorch's own calls: Keras' take as long as a small network's gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch.optim.adam import adam as public_adam

Tensor: TypeAlias = torch.Tensor


def train_step(
    network: Any,
    forward: Callable[[Any], Tensor],
    x: Any,
    y: Tensor,
    weights: Tensor | None,
    variables: Sequence[Any],
    mean: Any,
) -> Tensor:
    """Forward, backward, update of a Keras model, and its running mean loss; the loss of this batch, `()`.

    Args:
        network: Compiled with one `keras.losses.Loss` that takes means, and with no metrics.
        forward: What it computes in training, of `x`: `(B, ...)`.
        x: The inputs, B windows.
        y: What is to be met, `(B, ...)`.
        weights: How much each window counts, `(B,)`; None where all count the same.
        variables: Those of the network that are trained. Keras looks through all layers for them, and for the next.
        mean: The metric of the running mean loss, the first that Keras has.
    """
    values = network.loss.call(y, forward(x))  # (B, ...)
    values = values.reshape(len(values), -1).mean(1)  # (B,)
    loss = values.mean() if weights is None else (values * weights).sum() / weights.sum()
    for variable in variables:
        variable.value.grad = None
    network.optimizer.scale_loss(loss).backward()
    with torch.no_grad():
        network.optimizer.apply([variable.value.grad for variable in variables], variables)
    _add(mean, loss, len(values))
    return loss.detach()


def straight_step(
    network: Any, forward: Callable[[Any], Any], x: Any, y: Any, weights: Tensor | None, windows: int
) -> dict[str, Tensor]:
    """Keras' training step but for the call of the network, whatever its losses and metrics; the means so far.

    Args:
        network: Compiled, with trainable variables.
        forward: What it computes in training, of `x`.
        x: The inputs.
        y: What is to be met.
        weights: How much each window counts, or None.
        windows: How many they are.
    """
    answers = forward(x)
    network.zero_grad()
    loss = network.compute_loss(x=x, y=y, y_pred=answers, sample_weight=weights, training=True)
    network.optimizer.scale_loss(loss).backward()
    variables = network.trainable_variables
    with torch.no_grad():
        network.optimizer.apply([variable.value.grad for variable in variables], variables)
        mean = network.metrics[0]
        _add(mean, loss, windows)
        if len(network.metrics) > 1:
            return network.compute_metrics(x, y, answers, sample_weight=weights)
        return {"loss": mean.total.value / mean.count.value}


def blocks(network: Any, arrays: Mapping[str, Any], window: int, ahead: int) -> Callable[..., Any]:
    """A `train_function` for Keras' `fit` that makes a block of steps at once; the package above says of what."""
    device = network.variables[0].value.device
    held = {name: torch.as_tensor(array, device=device) for name, array in arrays.items()}
    rows = torch.arange(window + ahead, dtype=torch.int32, device=device)

    def train(data: Any) -> dict[str, Tensor]:
        ((block,),) = data
        logs: dict[str, Tensor] = {}
        for step in range(int(block["count"])):
            logs = network.train_step(_batch(held, block, step, rows, window))
        return logs

    return train


def _batch(held: dict[str, Tensor], block: dict[str, Any], step: int, rows: Tensor, window: int) -> tuple[Any, ...]:
    """What a step is given of the windows that it takes: inputs, answers, and weights where there are some."""
    at = block["rows"][step] if "rows" in block else block["begins"][step][:, None] + rows  # (B, L + H)
    inputs = {"past": held["past"][at[:, :window]]}
    if "known" in held:
        inputs["known"] = held["known"][at]
    if "static" in held:
        inputs["static"] = held["static"][block["owners"][step]]
    inputs |= {name: part[step] for name, part in block.get("drawn", {}).items()}
    answers = block["answers"][step] if "answers" in block else held["targets"][block["indices"][step]]
    x = inputs if len(inputs) > 1 else inputs["past"]
    return (x, answers, block["weights"][step]) if "weights" in block else (x, answers)


def _add(mean: Any, loss: Tensor, windows: int) -> None:
    """Take a batch's loss into Keras' running mean: its own `update_state` takes as long as Adam."""
    mean.total.value.add_(loss.detach(), alpha=windows)
    mean.count.value.add_(windows)


def clipped(gradients: list[Tensor], limit: float) -> list[Tensor]:
    """`gradients`, together of a norm of at most `limit`, as Keras clips them, in half as many operations."""
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(each) for each in gradients]))
    scale = limit * torch.clamp(1 / norm, max=1 / limit)
    return [each * scale for each in gradients]


@torch.no_grad()
def adam(
    weights: list[Tensor],
    gradients: list[Tensor],
    momentums: list[Tensor],
    velocities: list[Tensor],
    *,
    step: int,
    learning_rate: float,
    betas: tuple[float, float],
    epsilon: float,
) -> None:
    """One step of Adam (Kingma & Ba 2015, Algorithm 1), in place, by the kernel of `torch.optim.Adam(fused=True)`.

    PyTorch's public function is called where that kernel is not what it was: it takes three times as long.

    Args:
        weights, gradients, momentums, velocities: Equally many tensors, shapes alike. step: From 1.
    """
    tensors = weights, gradients, momentums, velocities
    options = {"lr": learning_rate, "beta1": betas[0], "beta2": betas[1], "eps": epsilon}
    options |= {"weight_decay": 0.0, "amsgrad": False, "maximize": False}
    at = torch.full((), float(step), device=weights[0].device)
    try:
        torch._fused_adam_(*tensors, [], [at] * len(weights), **options)
    except (AttributeError, TypeError):
        public_adam(*tensors, [], [at - 1 for _ in weights], **options)  # counts each of its steps up
