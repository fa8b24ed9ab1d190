"""Fits what `photo/regression.py` computes: two layers of tanh, by Adam on a robust loss."""

import numpy as np


def fitted(
    x: np.ndarray,
    y: np.ndarray,
    *,
    epochs: int,
    hidden: tuple[int, int] = (24, 12),
    quantile: float | tuple[float, ...] = 0.5,
    beta: float = 0.1,
) -> dict[str, np.ndarray]:
    """float32 (N, F) and (N, outputs) -> the arrays of its file in `assets/`. Seeded. quantile: of what may be true
    that is told, of all outputs or of each; 0.5, the middle. beta: errors up to which squares count, so that the mean
    of what may be true is told."""
    import torch
    from torch import nn

    seen, truth, quantile = torch.from_numpy(x), torch.from_numpy(y), torch.tensor(quantile)
    mean, deviation = seen.mean(0), seen.std(0) + 1e-6
    seen = (seen - mean) / deviation
    torch.manual_seed(0)
    first, second = hidden
    net = nn.Sequential(
        nn.Linear(x.shape[1], first), nn.Tanh(), nn.Linear(first, second), nn.Tanh(), nn.Linear(second, y.shape[1])
    )  # fmt: skip
    optimiser = torch.optim.Adam(net.parameters(), 4e-3, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for _ in range(epochs):
        for part in torch.randperm(len(seen)).split(128):
            told = net(seen[part])
            loss = nn.functional.smooth_l1_loss(told, truth[part], beta=beta, reduction="none")
            loss = (loss * (2 * torch.where(told > truth[part], 1 - quantile, quantile))).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    weights = {"mean": mean.numpy(), "deviation": deviation.numpy()}
    for name, layer in zip(("a", "b", "out"), net[::2], strict=True):
        weights |= {name: layer.weight.detach().numpy().T.copy(), f"{name}_bias": layer.bias.detach().numpy()}
    return weights
