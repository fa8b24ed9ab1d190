"""What a run learns from and is looked at by: the faces, what makes pairs of them, and which a step sees."""

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lightning.fabric import Fabric

from ..dataset.pairs import HEATMAP, PairMaker
from ..dataset.protocol import PROTOCOLS
from ..dataset.shards import MANIFEST
from ..dataset.store import FaceStore
from ..errors import FacepriorError
from ..networks.config import LR_SIZE
from ..networks.kinds import kind_of
from .config import TrainConfig
from .devices import resident
from .one_copy import one_copy
from .sampler import Sampler, how_often


@dataclass
class Faces:
    """maker, val_maker: pairs of the training and the validation faces (None: none are looked at); dataset: which faces
    these are, for checkpoints."""

    maker: PairMaker
    val_maker: PairMaker | None
    sampler: Sampler
    dataset: dict[str, str | int]

    def __len__(self) -> int:
        return len(self.maker.store)


def load_faces(
    config: TrainConfig, data: Path, fabric: Fabric, *, given: FaceStore | None = None, progress: bool = False
) -> Faces:
    """The faces of a run on its device, in memory once a machine (`one_copy`). given: all of the training split, where
    that is decoded already.

    FacepriorError where the folder holds none, or fewer than a batch.
    """
    d, r = config.data, config.run
    if given is not None and d.train_split == "train" and not d.min_side:
        store = given.select(limit=d.faces, sources=d.sources, max_yaw=d.max_yaw)
    else:
        chosen = {"limit": d.faces, "sources": d.sources, "max_yaw": d.max_yaw, "min_side": d.min_side}
        load = partial(FaceStore.load, data, d.train_split, progress=progress, **chosen)
        store = one_copy(fabric, lambda decoded: load(decoded=decoded))
    if r.batch > len(store):
        raise FacepriorError(f"{data}: {len(store)} faces to train on, fewer than run.batch = {r.batch}")
    protocols = [replace(PROTOCOLS[name], lr=getattr(config.model, "lr", LR_SIZE)) for name in d.protocol]
    device = fabric.device
    store = resident(store, device)
    size = getattr(config.model, "heb", 0) or HEATMAP  # made at the size that the loss wants
    if kind_of(config.model) == "stn0":
        size = 0  # it has none, and they would take half of the time that a batch takes to make
    maker = PairMaker(
        store, protocols, colour=d.colour, disturbance=d.disturbance, rough=d.rough, told=d.told, sizes=d.sizes,
        heatmap=size,
    )  # fmt: skip
    val_maker = None
    if d.val_faces:
        try:
            val = FaceStore.load(data, d.val_split, limit=d.val_faces, sources=d.sources, progress=progress)
        except FacepriorError as error:
            raise FacepriorError(f"{error}; --set data.val_faces=0 trains without a look at held-out faces") from None
        val_maker = PairMaker(val.to(device), protocols[0], told=d.told)
    sampler = Sampler(len(store), r.batch, r.seed, often=how_often(store.yaw.cpu(), d.turned))
    manifest = data / MANIFEST
    text = manifest.read_bytes() if manifest.is_file() else b""
    dataset = {"manifest_sha256": hashlib.sha256(text).hexdigest(), "faces": len(store)}
    return Faces(maker, val_maker, sampler, dataset)
