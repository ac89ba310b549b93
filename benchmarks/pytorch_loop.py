"""The specification's model as its guide trains it: a plain PyTorch module and a plain loop."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class StockLSTM(nn.Module):
    """Two LSTM layers of 50 with dropout between, the last step, dropout, a linear layer: 31,051 parameters."""

    def __init__(
        self, input_size: int = 1, hidden_size: int = 50, num_layers: int = 2, dropout: float = 0.2, cell: str = "lstm"
    ) -> None:
        super().__init__()
        between = dropout if num_layers > 1 else 0.0
        self.lstm = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](
            input_size, hidden_size, num_layers, batch_first=True, dropout=between
        )
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`(B, L, 1)` to `(B, 1)`."""
        lstm_out, _ = self.lstm(x)  # (B, L, 50)
        return self.linear(self.dropout(lstm_out[:, -1, :]))


def epochs(x: np.ndarray, y: np.ndarray, batch_size: int = 32, units: int = 50, cell: str = "lstm") -> Iterator[float]:
    """Train epoch after epoch on windows `(N, L, 1)` and targets `(N, 1)`; yields the seconds each took."""
    torch.manual_seed(0)
    model = StockLSTM(hidden_size=units, cell=cell)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    criterion = nn.MSELoss()
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=batch_size, shuffle=True)
    while True:
        started = time.perf_counter()
        model.train()
        for batch, target in loader:
            loss = criterion(model(batch), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield time.perf_counter() - started
