"""The evaluation from names to a report: what `faceprior evaluate` does between its flags and its table."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..dataset.pairs import PairMaker
from ..dataset.protocol import PROTOCOLS
from ..dataset.store import FaceStore
from ..errors import FacepriorError
from .groups import kinds_of
from .identity import IdentityNetwork
from .metrics import inside_photo
from .models import resolve
from .pictures import write_pictures
from .report import Report, make_report
from .scores import score_split

DEVICES = ("auto", "cpu", "cuda")
FLOORS = ("bicubic", "bicubic-true")


@dataclass(frozen=True)
class EvaluateOptions:
    """Raises FacepriorError, naming the flag, for what no evaluation can have."""

    split: str = "test"
    protocol: str = "paper"
    limit: int | None = None
    identity: str | None = None  #  an embedding network's ONNX file, see `identity.py`
    by: str = "source,pose"
    device: str = "auto"
    batch: int = 64
    pictures: Path | None = None
    rows: int = 8  #                faces in a picture
    jpeg: int | None = None  #      the LR as a JPEG of this quality keeps it
    sources: tuple[str, ...] = ()  # () = all

    def __post_init__(self):
        if self.protocol not in PROTOCOLS:
            raise FacepriorError(f"--protocol {self.protocol}: expected {', '.join(PROTOCOLS)}")
        for flag, value in (("--limit", self.limit), ("--batch", self.batch), ("--rows", self.rows)):
            if value is not None and value < 1:
                raise FacepriorError(f"{flag} {value}: expected at least 1")
        if self.jpeg is not None and not 1 <= self.jpeg <= 100:
            raise FacepriorError(f"--jpeg {self.jpeg}: expected a quality from 1 to 100")
        kinds_of(self.by)
        if self.device not in DEVICES:
            raise FacepriorError(f"--device {self.device}: expected {', '.join(DEVICES)}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise FacepriorError("--device cuda: PyTorch finds no CUDA device here; use auto or cpu")


def evaluate(
    models: Sequence[str],
    data: Path,
    options: EvaluateOptions | None = None,
    *,
    command: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Scores the floors and `models` (see `models.py`) on a split of prepared faces. `progress(done, total)`: faces."""
    options = options or EvaluateOptions()
    start = time.perf_counter()
    protocol = PROTOCOLS[options.protocol]
    # All that can be wrong with what was asked for is found before the faces are decoded.
    restorers = [resolve(spec, options.device) for spec in dict.fromkeys((*FLOORS, *models))]
    identity = IdentityNetwork(options.identity, options.device) if options.identity else None
    store = FaceStore.load(data, options.split, limit=options.limit, sources=options.sources or None)
    if missing := sorted({*options.sources} - {*store.sources}):
        raise FacepriorError(f"--source {missing[0]}: {data} has no such faces in split '{options.split}'")
    if options.device == "cuda" or (options.device == "auto" and torch.cuda.is_available()):
        store = store.to("cuda")
    partly_outside = sum(int((~inside_photo(c).flatten(1).all(1)).sum()) for c in store.corners.split(options.batch))
    done = 0

    def more(faces: int) -> None:
        nonlocal done
        done += faces
        progress(done, len(store))

    given = {"identity": identity, "jpeg": options.jpeg, "batch": options.batch}
    result = score_split(store, protocol, restorers, **given, progress=more)
    if options.pictures is not None:
        maker = PairMaker(store, protocol)
        psnr = [s.columns["psnr"] for s in result.scores]
        write_pictures(options.pictures, store, maker, restorers, psnr, min(options.rows, len(store)))
    return make_report(
        result,
        store,
        protocol,
        jpeg=options.jpeg,
        data=data,
        split=options.split,
        kinds=kinds_of(options.by),
        identity={"network": identity.name, "sha256": identity.sha256} if identity else None,
        partly_outside=partly_outside,
        command=command,
        seconds=time.perf_counter() - start,
    )
