"""One pass over a split: every model on the same batches, every figure of every face."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

from ..dataset.pairs import PairMaker, Pairs
from ..dataset.protocol import Protocol
from ..dataset.rough import jpeg as through_jpeg
from ..dataset.store import FaceStore
from ..errors import FacepriorError
from .consistency import lr_consistency
from .heatmaps import score_heatmaps
from .identity import IdentityNetwork, cosine
from .metrics import as_levels, inside_photo, score_images, to_levels
from .place import chosen_frame, score_place
from .restorer import HR_SIZE, Restored, Restorer
from .stn import score_transforms


@dataclass
class Scores:
    """One model's figures, a float64 array (N,) for each; NaN where a face or a model has no such figure."""

    name: str
    sha256: str | None
    seconds: float = 0.0  # spent in the model alone
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    embeddings: np.ndarray | None = None  # (N, D) of the outputs


@dataclass
class Pass:
    scores: list[Scores]
    truths: np.ndarray | None  # (N, D) embeddings of the HR faces


def score_split(
    store: FaceStore,
    protocol: Protocol,
    models: list[Restorer],
    *,
    identity: IdentityNetwork | None = None,
    jpeg: int | None = None,
    batch: int = 64,
    progress: Callable[[int], None] = lambda faces: None,
) -> Pass:
    """Runs `models` over the whole store. `progress` is told how many faces are newly done."""
    maker = PairMaker(store, protocol)
    found: list[list[dict[str, np.ndarray]]] = [[] for _ in models]
    scores = [Scores(model.name, model.sha256) for model in models]
    vectors: list[list[np.ndarray]] = [[] for _ in models]
    truths = []
    with torch.inference_mode():
        for index in torch.arange(len(store)).split(batch):
            pairs = maker.test(index)
            if jpeg is not None:
                pairs.lr, pairs.jpeg = as_jpeg(pairs.lr, jpeg), jpeg
            batch_truth = _Truth(pairs, store, identity)
            for k, model in enumerate(models):
                start = time.perf_counter()
                restored = model(batch_truth.lr, pairs)
                scores[k].seconds += time.perf_counter() - start
                _check(model.name, restored, len(index))
                columns, vector = batch_truth.score(restored, protocol)
                found[k].append(columns)
                if vector is not None:
                    vectors[k].append(vector)
            if batch_truth.embedding is not None:
                truths.append(batch_truth.embedding)
            progress(len(index))
    for k, parts in enumerate(found):
        scores[k].columns = {name: np.concatenate([p[name] for p in parts]) for name in _names(parts)}
        scores[k].embeddings = np.concatenate(vectors[k]) if vectors[k] else None
    return Pass(scores, np.concatenate(truths) if truths else None)


class _Truth:
    """What a batch's outputs are held against; made once for all models."""

    def __init__(self, pairs: Pairs, store: FaceStore, identity: IdentityNetwork | None):
        self.pairs, self.identity = pairs, identity
        self.hr, self.lr_levels = to_levels(pairs.hr), to_levels(pairs.lr)
        self.inside = inside_photo(store.corners[pairs.index])
        self.lr = as_images(self.lr_levels)
        self.landmarks = pairs.landmarks.cpu().numpy()
        self.embedding = identity(as_images(self.hr), self.landmarks) if identity else None

    def score(self, restored: Restored, protocol: Protocol) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        pairs = self.pairs
        output = as_levels(restored.images, self.hr.device)
        tensors = score_images(output, self.hr, protocol, self.inside)
        tensors["consistency"] = lr_consistency(output, self.lr_levels, pairs.transform)
        if (frame := chosen_frame(restored, pairs)) is not None:
            tensors |= score_place(output, frame, pairs)
        columns = {name: x.double().cpu().numpy() for name, x in tensors.items()}
        if restored.heatmaps is not None:
            maps = torch.from_numpy(np.asarray(restored.heatmaps)).to(self.hr.device)
            columns |= score_heatmaps(maps, pairs.heatmaps, pairs.kernels)
        if restored.transforms is not None:
            columns |= score_transforms(restored.transforms, pairs.transform.cpu().numpy())
        vector = None
        if self.identity is not None and self.embedding is not None:
            vector = self.identity(restored.images, self.landmarks)
            columns["identity"] = cosine(vector, self.embedding)
        return columns, vector


def as_jpeg(lr: torch.Tensor, quality: int) -> torch.Tensor:
    """(N, 3, h, w) in [-1, 1] -> the same as JPEG keeps them, chroma halved: photos of this face alone."""
    kept = np.stack([through_jpeg(face, quality) for face in as_images(to_levels(lr))])
    return torch.from_numpy(kept).to(lr.device).permute(0, 3, 1, 2).float() / 127.5 - 1


def as_images(levels: torch.Tensor) -> np.ndarray:
    """(N, 3, H, W) levels 0..255 -> uint8 (N, H, W, 3)."""
    return levels.byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _check(name: str, restored: Restored, n: int) -> None:
    """A model that gives another shape or values that are not numbers is named, not averaged."""
    for what, array, tail in (
        ("images", restored.images, (HR_SIZE, HR_SIZE, 3)),
        ("heatmaps", restored.heatmaps, (4, None, None)),
        ("transforms", restored.transforms, (2, 3)),
        ("frame", restored.frame, (2, 3)),
    ):
        if array is None:
            continue
        shape = np.shape(array)
        fits = len(shape) == 1 + len(tail) and shape[0] == n
        if not fits or any(t is not None and s != t for s, t in zip(shape[1:], tail, strict=True)):
            raise FacepriorError(f"model '{name}': {what} have shape {shape}; expected {(n, *tail)}")
        if not np.isfinite(array).all():
            raise FacepriorError(f"model '{name}': {what} hold values that are not finite")


def _names(parts: list[dict[str, np.ndarray]]) -> Iterable[str]:
    return parts[0] if parts else ()
