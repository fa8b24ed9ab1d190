"""The spatial transformer: a localisation net regresses a similarity, a grid warps features upright with it.

Paper section 3.4. Every localisation net ends in a layer of zeros, so the transform starts at the true identity.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..face.components import LANDMARKS
from .blocks import Residual
from .config import HR_SIZE, LR_SIZE

SECOND_LOOK = 24  # px: half as many again as the LR, so that the first look's resampling loses little


def similarity(angle: Tensor, log_scale: Tensor, tx: Tensor, ty: Tensor) -> Tensor:
    """(B,) each: radians, log of the scale, shifts as parts of the side -> (B, 2, 3), as `face.similarity`."""
    inverse = torch.exp(-log_scale)
    c, n = torch.cos(angle) * inverse, torch.sin(angle) * inverse
    row0 = torch.stack([c, n, -2 * (c * tx + n * ty)], -1)
    row1 = torch.stack([-n, c, -2 * (c * ty - n * tx)], -1)
    return torch.stack([row0, row1], -2)


def upright_grid(transform: Tensor, size: int) -> Tensor:
    """(B, 2, 3) -> (B, size, size, 2): where each upright pixel lies in the unaligned input, normalised.

    The same as `F.affine_grid(align_corners=False)`, from plain products so that it exports to any runtime, and
    summed in whole rows: a runtime is slow where the last axis, to spread over, holds two numbers.
    """
    t = (torch.arange(size, device=transform.device, dtype=transform.dtype) + 0.5) * (2 / size) - 1
    across = t.view(1, size, 1) * transform[:, None, :, 0]
    downwards = t.view(1, size, 1) * transform[:, None, :, 1] + transform[:, None, :, 2]
    rows = across.reshape(-1, 1, 2 * size) + downwards.repeat(1, 1, size)
    return rows.view(-1, size, size, 2)


def warp(x: Tensor, transform: Tensor, size: int, mode: str = "bilinear", padding: str = "zeros") -> Tensor:
    """Samples (B, C, h, w) on the upright grid -> (B, C, size, size). In float32: a bf16 grid is half a pixel off."""
    with torch.autocast(x.device.type, enabled=False):
        grid = upright_grid(transform.float(), size)
        return F.grid_sample(x.float(), grid, mode, padding, align_corners=False)


def paper_localisation(channels: int, size: int) -> nn.Sequential:
    """(B, channels, size, size) -> (B, 4). MP2, conv5 20, ReLU, MP2, conv5 20, ReLU, MP2, FC 80->20, ReLU, FC 20->4.

    The last pool is what an adaptive one to 2x2 does, which gives the paper's 80 at 32 and 64 px alike: nothing at 32
    px, where 2x2 is left, and five pixels wide at 64, where 10x10 is. At 16 px two
    conv5 behind a pool do not fit: there it is the paper's STN0, conv5 64, MP2, conv5 20, FC 80->20, FC 20->4.
    """
    if size == 16:
        body = [nn.Conv2d(channels, 64, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 20, 5), nn.ReLU()]
    else:
        body = [
            *(nn.MaxPool2d(2), nn.Conv2d(channels, 20, 5), nn.ReLU()),
            *(nn.MaxPool2d(2), nn.Conv2d(20, 20, 5), nn.ReLU()),
            nn.MaxPool2d(5) if size == 64 else nn.Identity(),
        ]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(80, 20), nn.ReLU(), nn.Linear(20, 4))


def lr_localisation(width: int = 32, size: int = LR_SIZE) -> nn.Sequential:
    """(B, 3, size, size) -> (B, 4): residual blocks at size, size / 2 and size / 4, flattened, two FC layers (ours)."""
    w1, w2, w3 = width, 2 * width, 4 * width
    return nn.Sequential(
        nn.Conv2d(3, w1, 3, padding=1),
        *(Residual(w1), Residual(w1)),
        *(nn.MaxPool2d(2), Residual(w1, w2), Residual(w2)),
        *(nn.MaxPool2d(2), Residual(w2, w3), Residual(w3)),
        *(nn.BatchNorm2d(w3), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(w3 * (size // 4) ** 2, 256), nn.ReLU(), nn.Linear(256, 4)),
    )


class Localisation(nn.Module):
    """A localisation net with a bounded similarity as output: (B, C, h, w) -> (B, 2, 3).

    `max_angle` in degrees, `max_shift` in parts of the side. tanh bounds each parameter; at zero it has the
    slope of the bound, so near the identity the four outputs are scaled alike. With `landmarks` a second head,
    used in training alone, tells the 68 landmarks in what the net sees: 136 lessons a face where the transform
    is four (ours).
    """

    def __init__(
        self, net: nn.Sequential, max_angle: float, max_log_scale: float, max_shift: float, landmarks: bool = False
    ):
        super().__init__()
        self.net = net
        self.bounds = (math.radians(max_angle), max_log_scale, max_shift, max_shift)
        last = net[-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.points = nn.Linear(last.in_features, 2 * LANDMARKS) if landmarks else None

    def forward(self, x: Tensor) -> Tensor:
        return self.look(x)[0]

    def locate(self, x: Tensor) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        """As `Looks`: one estimate, no landmarks."""
        return [self(x)], []

    def look(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """-> the transform, and in training (B, 68, 2) in pixels as if what it sees were 128 wide, or None."""
        hidden = self.net[:-1](x)
        raw = torch.tanh(self.net[-1](hidden).float())
        transform = similarity(*(raw[:, i] * bound for i, bound in enumerate(self.bounds)))
        if self.points is None or not self.training:
            return transform, None
        points = self.points(hidden).float().unflatten(1, (LANDMARKS, 2))
        return transform, (points + 1) * (HR_SIZE / 2) - 0.5


def compose(first: Tensor, then: Tensor) -> Tensor:
    """Two warps one after the other as one, (B, 2, 3) each: a point goes through `then`, and on through `first`."""
    linear = (first[..., :2, None] * then[..., None, :, :]).sum(-2)  # not a matmul: autocast would make it bf16
    return torch.cat([linear[..., :2], linear[..., 2:] + first[..., 2:]], -1)


class Looks(nn.Module):
    """Two looks at the LR, the second correcting the first (as in inverse compositional STNs).

    The second net sees the face nearly upright, where a small error is a small difference. No gradient goes
    from the second to the first: each is trained on its own error. In inference each looks at the mirrored face
    too, and the mean of the two is taken. (B, 3, 16, 16) -> the estimates (B, 2, 3), the last one the best; and in
    training pairs of (B, 2, 3), what a net saw, and (B, 68, 2), its landmarks there.
    """

    def __init__(self, bounds: tuple[float, float, float], landmarks: bool):
        super().__init__()
        self.first = Localisation(lr_localisation(32), *bounds, landmarks)
        halves = (bound / 2 for bound in bounds)
        self.second = Localisation(lr_localisation(48, SECOND_LOOK), *halves, landmarks)

    def locate(self, lr: Tensor) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
        first, points = self._look(self.first, lr)
        known = first.detach()
        upright = warp(lr, known, SECOND_LOOK, mode="bicubic", padding="border")
        correction, more = self._look(self.second, upright)
        estimates = [first, compose(known, correction)]
        if points is None:
            return estimates, []
        identity = torch.eye(2, 3, device=lr.device).expand(len(lr), 2, 3)
        return estimates, [(identity, points), (known, more)]

    def _look(self, net: Localisation, x: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.training:
            return net.look(x)
        straight, mirrored = net(torch.cat([x, x.flip(-1)])).chunk(2)
        back = straight.new_tensor([[1, -1, -1], [-1, 1, 1]])  # as the mirror image of a transform reads
        return (straight + mirrored * back) / 2, None


def make_localisation(
    kind: str, bounds: tuple[float, float, float], *, channels: int = 3, size: int = LR_SIZE, landmarks: bool = False
) -> "Localisation | Looks":
    """By the name of `MTUNConfig.localisation`; `channels` and `size` are of what the paper's net sees."""
    if kind == "cascade":
        return Looks(bounds, landmarks)
    return Localisation(paper_localisation(channels, size) if kind == "paper" else lr_localisation(), *bounds)
