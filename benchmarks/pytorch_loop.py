"""The specification's model as its guide trains it: a plain PyTorch module and a plain loop."""

from __future__ import annotations

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


class Loop:
    """A model, its optimizer, and batches of windows `(N, L, 1)` with targets `(N, 1)` in a new order each epoch."""

    def __init__(self, x: np.ndarray, y: np.ndarray, batch_size: int = 32, units: int = 50, cell: str = "lstm") -> None:
        torch.manual_seed(0)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = StockLSTM(hidden_size=units, cell=cell).to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        self.criterion = nn.MSELoss()
        dataset = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
        self.loader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

    def epoch(self, steps: int | None = None) -> None:
        """Train on every window once, or for `steps` batches."""
        self.model.train()
        for step, (batch, target) in enumerate(self.loader):
            if step == steps:
                return
            loss = self.criterion(self.model(batch.to(self.device)), target.to(self.device))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
