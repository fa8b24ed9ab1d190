"""The discriminative network (paper section 3.2; released channel plan)."""

from torch import Tensor, nn


class Discriminator(nn.Module):
    """(B, 3, 128, 128) in [-1, 1] -> logits (B, 1): real faces above 0.

    conv5 3->32->64->128->96, each + max-pool 2, ReLU, spatial dropout 0.2; FC 6144->1024, ReLU, dropout 0.5, FC.
    """

    def __init__(self, channels: tuple[int, ...] = (32, 64, 128, 96), hidden: int = 1024):
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for width in channels:
            layers += [nn.Conv2d(inputs, width, 5, padding=2), nn.MaxPool2d(2), nn.ReLU(), nn.Dropout2d(0.2)]
            inputs = width
        flat = inputs * (128 // 2 ** len(channels)) ** 2
        self.net = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU(), nn.Dropout(0.5), nn.Linear(hidden, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)
