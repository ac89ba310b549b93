"""What someone would write without this package: the specification's model on the embedded prices, start to end.

python benchmarks/pytorch_script.py [epochs] [threads]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pytorch_loop import Loop

LENGTH = 60
SAMPLE = Path(__file__).resolve().parents[1] / "kerasforecast" / "data" / "samples" / "ibm.csv.gz"


def main(epochs: int = 30, threads: int = 2) -> None:
    torch.set_num_threads(threads)
    prices = pd.read_csv(SAMPLE)["Close"].to_numpy(np.float32)
    first, second = int(0.7 * len(prices)), int(0.85 * len(prices))
    scaled = (prices - prices[:first].mean()) / prices[:first].std()
    windows = np.lib.stride_tricks.sliding_window_view(scaled[:-1], LENGTH)[:, :, None].copy()
    following = scaled[LENGTH:, None]
    parts = np.split(np.arange(len(windows)), [first - LENGTH, second - LENGTH])
    loop = Loop(windows[parts[0]], following[parts[0]])
    best = np.inf
    for epoch in range(epochs):
        loop.epoch()
        validation = loss(loop, windows[parts[1]], following[parts[1]])
        if validation < best:
            best, state = validation, {name: array.clone() for name, array in loop.model.state_dict().items()}
        print(f"epoch {epoch + 1}: validation {validation:.5f}")
    loop.model.load_state_dict(state)
    print(f"test RMSE {prices[:first].std() * loss(loop, windows[parts[2]], following[parts[2]]) ** 0.5:.4f}")


def loss(loop: Loop, windows: np.ndarray, following: np.ndarray) -> float:
    """Mean squared error, dropout off."""
    loop.model.eval()
    with torch.no_grad():
        return float(loop.criterion(loop.model(torch.from_numpy(windows)), torch.from_numpy(following)))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
