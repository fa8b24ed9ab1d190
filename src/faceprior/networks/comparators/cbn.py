"""CBN (Zhu, Liu, Loy and Tang, ECCV 2016): deep cascaded bi-network, x2 a cascade, three cascades for x8.

What is published, as I know it: cascade k first refines a dense correspondence field W_k(z) = z + B_k(z) p_k, which
carries the mean face's template onto the image, by a regression on features about the current landmarks,
p_k = p_{k-1} + f_k(I_{k-1}; p_{k-1}); then hallucinates I_k = up(I_{k-1}) + g_k(up(I_{k-1}); W_k) with a gated
bi-network: a common branch that sees the image alone, a high-frequency branch that also sees the high-frequency prior
of the template, warped by W_k, and a gate that mixes the two a pixel at a time. The prior: mean magnitudes of what
bicubic lacks, in the template, parted into C = 10 contours, one a channel.

What was chosen here, and why:
* f_k is two linear layers with a ReLU on 5x5 RGB patches about 18 landmarks, trained with the rest, on the known
  landmarks (`loss.landmark_weight`); the original is a Gauss-Newton cascade fitted in closed form on handcrafted
  features. Same input, same output, same place in the cascade, and it trains in the common trainer.
* The dense bases B come from thin-plate splines of the training landmarks' principal deformations (`mean_face.py`);
  the original uses those of a 3D face model that cannot be had freely.
* W is inverted (fixed point) to read the prior from the image's side. p_k is not changed by the picture's loss: the
  field is supervised by landmarks alone, as published, where it is estimated before the image is hallucinated.
* The cascades are trained together, each on the face at its own resolution (`stages`); originally one by one.
"""

import torch
from torch import Tensor, nn

from ..config import HR_SIZE, LR_SIZE
from .config import CBNConfig
from .learning import Batches
from .mean_face import MeanFace, sample
from .stn0 import AlignedNetwork, enlarge
from .vdsr import he_start

# Jaw, brows, nose tip and wings, eye corners, mouth.
ANCHORS = (0, 4, 8, 12, 16, 19, 24, 30, 31, 35, 36, 39, 42, 45, 48, 51, 54, 57)
PATCH = 5  # pixels of the image a side, about each anchor


class CBN(AlignedNetwork):
    """Aligned 16 px -> 32 -> 64 -> 128. `landmarks` of its output are those of every cascade's field."""

    passes = 1

    def __init__(self, config: CBNConfig | None = None):
        super().__init__()
        self.config = c = config or CBNConfig()
        self.face = MeanFace(c.bases, c.contours)
        self.correspondence = nn.ModuleList(Correspondence(c.bases, c.hidden) for _ in range(3))
        self.hallucination = nn.ModuleList(BiNetwork(c.contours, c.features, c.layers) for _ in range(3))

    def learn(self, batches: Batches) -> None:
        self.face.learn(batches)

    def restore(self, aligned: Tensor) -> tuple[Tensor, dict[str, list[Tensor]]]:
        image, size = aligned, LR_SIZE
        p = aligned.new_zeros(aligned.shape[0], self.config.bases)
        stages, landmarks = [], []
        for correspond, hallucinate in zip(self.correspondence, self.hallucination, strict=True):
            found = self.face.landmarks(p)
            p = p + correspond(image.detach(), found[:, list(ANCHORS)].detach(), p)
            landmarks.append((self.face.landmarks(p) + 1) * (HR_SIZE / 2) - 0.5)
            p = p.detach()  # each regressor answers for its own step
            size *= 2
            image = hallucinate(enlarge(image, size), self.face.prior_in(p, size))
            stages.append(image)
        return image, {"stages": stages[:-1], "landmarks": landmarks}


class Correspondence(nn.Module):
    """f_k: the image (B, 3, R, R), anchors (B, 18, 2) normalised, coefficients (B, bases) -> their change."""

    def __init__(self, bases: int, hidden: int):
        super().__init__()
        inputs = len(ANCHORS) * PATCH**2 * 3 + bases
        self.net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, bases))
        nn.init.zeros_(self.net[-1].weight)  # starts at the mean face
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, image: Tensor, anchors: Tensor, p: Tensor) -> Tensor:
        t = (torch.arange(PATCH, device=image.device, dtype=torch.float32) - PATCH // 2) * (2 / image.shape[-1])
        around = torch.stack([t.repeat(PATCH), t.repeat_interleave(PATCH)], -1)  # 25, 2: x fastest
        points = anchors[:, :, None] + around  # B, 18, 25, 2
        patches = sample(image, points.permute(0, 3, 1, 2))  # B, 3, 18, 25
        return self.net(torch.cat([patches.flatten(1), p], 1)).float()


class BiNetwork(nn.Module):
    """g_k: the enlarged image (B, 3, R, R) and the warped prior (B, C, R, R) -> the image with its detail."""

    def __init__(self, contours: int, features: int, layers: int):
        super().__init__()
        self.common = branch(3, features, layers, 3)
        self.high = branch(3 + contours, features, layers, 3)
        self.gate = branch(3 + contours, features, 2, 1)

    def forward(self, image: Tensor, prior: Tensor) -> Tensor:
        both = torch.cat([image, prior.to(image.dtype)], 1)
        gate = torch.sigmoid(self.gate(both))
        return image + (1 - gate) * self.common(image) + gate * self.high(both)


def branch(inputs: int, features: int, layers: int, outputs: int) -> nn.Sequential:
    """`layers` convolutions of 3x3 with ReLU between them; starts at zero."""
    body: list[nn.Module] = []
    for _ in range(layers - 1):
        body += [nn.Conv2d(inputs, features, 3, padding=1), nn.ReLU()]
        inputs = features
    net = nn.Sequential(*body, nn.Conv2d(inputs, outputs, 3, padding=1))
    he_start(net)
    return net
