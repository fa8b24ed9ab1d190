"""HR, LR and heatmaps of a batch, made on the device from the resident context crops.

Training draws fresh transforms and flips; testing has one fixed transform a face, drawn from its name.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..face.components import COMPONENTS, FLIP
from ..face.heatmaps import component_kernels, render_heatmaps
from ..face.similarity import similarity_matrix
from .context import CONTEXT, HR, OFFSET
from .degrade import reduce_to_lr, render
from .disturb import disturb
from .protocol import PAPER, Protocol
from .recolour import recolour
from .rough_lr import begin_rough_lr
from .scene import Scene
from .store import FaceStore

HEATMAP = 64
UNKNOWN = 3  # of every so many rough faces the condition of one is not told


@dataclass
class Pairs:
    """A batch. Images float32 in [-1, 1] with 8-bit values."""

    lr: Tensor  #         (B, 3, 16, 16), or of the size asked for
    hr: Tensor  #         (B, 3, 128, 128)
    heatmaps: Tensor  #   (B, 4, R, R) in [0, 1], R = 64 unless asked otherwise; perhaps 0
    kernels: Tensor  #    (B, 4), visible landmarks of each component
    landmarks: Tensor  #  (B, 68, 2), HR pixels
    visible: Tensor  #    bool (B, 68)
    transform: Tensor  #  (B, 2, 3), upright -> unaligned, normalised
    index: Tensor  #      int64 (B,), rows of the store
    scene: Scene  #       the truth in other frames than the label's
    jpeg: int | None = None  # the quality at which the LR was kept as JPEG
    told: Tensor | None = None  # (B, 2, 3): the transform that the network is told instead of estimating one
    condition: Tensor | None = None  # (B, 2): how rough the LR is (`rough.condition`), where known; None: clean

    def __len__(self) -> int:
        return len(self.lr)


class PairMaker:
    """Makes pairs of a store on the store's device.

    `colour`: in training, how far brightness, contrast, each channel's gain and the saturation may leave the photo's
    own, as a part of them; LR and HR alike. 0 = the photos as they are. `disturbance`: in training, the strength of
    `disturb` on the LR alone; `rough`: the part of the LRs that `rough_lr` makes; `sizes`: the least and the
    largest size of LRs, in pixels; each batch has one, evenly by its logarithm. `heatmap`: pixels of the maps, 0 =
    none. `told`: standard deviations of an STN's error, (degrees, part of the scale, parts of the side): the network
    is told the true transform with that error; None = it estimates its own. `protocol`: of several, each in training
    is taken by some of the faces, by chance; tests take the first, and all have its LR.
    """

    def __init__(
        self,
        store: FaceStore,
        protocol: Protocol | Sequence[Protocol] = PAPER,
        *,
        colour: float = 0.0,
        disturbance: float = 0.0,
        rough: float = 0.0,
        sizes: tuple[int, int] | None = None,
        told: tuple[float, float, float] | None = None,
        heatmap: int = HEATMAP,
    ):
        self.store = store
        self.protocols = (protocol,) if isinstance(protocol, Protocol) else tuple(protocol)
        self.colour = colour
        self.disturbance = disturbance
        self.rough = rough
        self.sizes = sizes
        self.told = told
        self.heatmap = heatmap
        self.size = self.protocols[0].lr
        self._fixed = torch.from_numpy(
            np.stack([_fixed_numbers(s, n) for s, n in zip(store.sources, store.names, strict=True)])
        )
        self._flip = torch.from_numpy(FLIP).to(store.contexts.device)

    def train(self, index: Tensor, generator: torch.Generator, *, flip: bool = True) -> Pairs:
        """Fresh transforms of the protocol and a fair coin for the flip. `generator` is a CPU one."""
        return self.begin(index, generator, flip=flip)()

    def draw_size(self, generator: torch.Generator) -> int:
        """The size of a batch's LRs: one of `sizes`, or the protocol's."""
        return _drawn(self.sizes, generator) if self.sizes else self.size

    def begin(
        self,
        index: Tensor,
        generator: torch.Generator,
        *,
        size: int | None = None,
        flip: bool = True,
        pool: Executor | None = None,
    ) -> Callable[[], Pairs]:
        """`train` in two halves: what is drawn and rendered, and what comes back gives the pairs; between the two the
        processes of `pool` spoil the rough LRs. `size`: pixels of the LRs, None = drawn here."""
        numbers = torch.rand(len(index), 5, generator=generator, dtype=torch.float64)
        seed = int(torch.randint(2**62, (), generator=generator)) if self.rough else None
        size = size or self.draw_size(generator)
        which = (2 * numbers[:, 4] % 1 * len(self.protocols)).long()  # what the coin leaves of its number
        mirrored = (numbers[:, 4] < 0.5) & flip
        made = self._begin(index, self._in_ranges(numbers, which), mirrored, seed, pool, size)
        jitter = (torch.rand(len(index), 6, generator=generator) * 2 - 1) * self.colour if self.colour else None

        def finish() -> Pairs:
            pairs = made()
            if jitter is not None:
                pairs.scene.jitter = jitter.to(pairs.lr.device)
                for images in (pairs.lr, pairs.hr):
                    recolour(images, pairs.scene.jitter)
            if self.disturbance:
                pairs.lr = disturb(pairs.lr, self.disturbance, generator)
            if self.told:
                pairs.told = self._told(pairs.transform, torch.randn(len(index), 4, generator=generator))
            return pairs

        return finish

    def test(self, index: Tensor) -> Pairs:
        """The face's own fixed transform, the same on every machine and with every other face around; no flip."""
        numbers = self._fixed[index.cpu()]
        pairs = self.make(index, *self._in_ranges(numbers, torch.zeros(len(numbers), dtype=torch.long)))
        if self.told:
            pairs.told = self._told(pairs.transform, torch.special.ndtri(numbers[:, 4:].clamp(1e-6, 1 - 1e-6)))
        return pairs

    def _told(self, transform: Tensor, normal: Tensor) -> Tensor:
        """The true transform (B, 2, 3) with the error of an STN; `normal` (B, 4) standard normal numbers."""
        degrees, scale, shift = self.told
        n = normal.double().cpu().numpy() * (degrees, scale, shift, shift)
        error = similarity_matrix(n[:, 0], np.exp(n[:, 1]), n[:, 2], n[:, 3])
        square = np.concatenate([error, np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(error), 1, 3))], 1)
        return transform @ torch.from_numpy(square.astype(np.float32)).to(transform.device)

    def _in_ranges(self, numbers: Tensor, which: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """float64 (B, >= 4) in [0, 1) and which protocol, (B,) -> angle, scale, tx, ty."""
        ranges = [(p.max_angle, *p.scale, p.max_shift) for p in self.protocols]
        angle, least, most, shift = torch.tensor(ranges, dtype=torch.float64)[which].T
        signed = numbers * 2 - 1
        return signed[:, 0] * angle, least + (most - least) * numbers[:, 1], signed[:, 2] * shift, signed[:, 3] * shift

    def make(
        self,
        index: Tensor,
        angle: Tensor,
        scale: Tensor,
        tx: Tensor,
        ty: Tensor,
        flip: Tensor | None = None,
        seed: int | None = None,
    ) -> Pairs:
        """Pairs with given transforms (B,) of the protocol (degrees, parts of the side); `flip` bool (B,). With a
        `seed` the first faces, as many as `rough` says, are made by `rough_lr` (a batch is in random order)."""
        return self._begin(index, (angle, scale, tx, ty), flip, seed)()

    def _begin(
        self,
        index: Tensor,
        transform: Sequence[Tensor],
        flip: Tensor | None,
        seed: int | None,
        pool: Executor | None = None,
        size: int | None = None,
    ) -> Callable[[], Pairs]:
        device = self.store.contexts.device
        index, size = index.to(device), size or self.size
        contexts = self.store.contexts[index]
        landmarks, visible = self.store.landmarks[index], self.store.visible[index]
        hr = contexts[:, :, OFFSET : OFFSET + HR, OFFSET : OFFSET + HR].float().div_(127.5).sub_(1)

        matrix = similarity_matrix(*(x.cpu().numpy() for x in transform))
        square = np.concatenate([matrix, np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(matrix), 1, 3))], 1)
        inverse = torch.from_numpy(np.linalg.inv(square)[:, :2].astype(np.float32)).to(device)

        if flip is not None:
            flip = flip.to(device)
            hr[flip] = hr[flip].flip(-1)
            inverse[:, 0] *= torch.where(flip, -1.0, 1.0)[:, None]  # the LR reads its context from right to left
            mirrored = landmarks[:, self._flip] * landmarks.new_tensor([-1, 1]) + landmarks.new_tensor([CONTEXT - 1, 0])
            landmarks = torch.where(flip[:, None, None], mirrored, landmarks)
            visible = torch.where(flip[:, None], visible[:, self._flip], visible)
        landmarks = landmarks - OFFSET

        frames = render(contexts, inverse)
        lr = reduce_to_lr(frames, size)
        spoilt = round(self.rough * len(index)) if seed is not None else 0
        rough = begin_rough_lr(frames[:spoilt], size, seed, pool) if spoilt else None

        def finish() -> Pairs:
            condition = None
            if rough is not None:
                condition = torch.zeros(len(index), 2, device=device)
                lr[:spoilt], condition[:spoilt] = rough()
                condition[:spoilt:UNKNOWN] = 0  # where a face comes from is not always known
            return Pairs(
                lr=lr.div_(127.5).sub_(1),
                hr=hr,
                heatmaps=self._heatmaps(landmarks, visible),
                kernels=component_kernels(landmarks, visible),
                landmarks=landmarks,
                visible=visible,
                transform=torch.from_numpy(matrix.astype(np.float32)).to(device),
                index=index,
                scene=Scene(contexts, inverse, self.store.corners[index]),
                condition=condition,
            )

        return finish

    def _heatmaps(self, landmarks: Tensor, visible: Tensor) -> Tensor:
        if not self.heatmap:
            return landmarks.new_empty(len(landmarks), len(COMPONENTS), 0, 0)
        return render_heatmaps(landmarks, visible, self.heatmap)


def _drawn(sizes: tuple[int, int], generator: torch.Generator) -> int:
    least, most = sizes
    part = float(torch.rand((), generator=generator, dtype=torch.float64))
    return min(most, int(least * ((most + 1) / least) ** part))


def _fixed_numbers(source: str, name: str) -> np.ndarray:
    """float64 (8,) in [0, 1) from the face's name alone: four for its transform, four for what a network is told."""
    digest = hashlib.sha256(f"{source}/{name}".encode()).digest()
    return np.frombuffer(digest, "<u4") / 2.0**32
