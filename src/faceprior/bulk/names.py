"""What an image's results are called, from the names of its own folder alone.

A restart, or a file added between two runs, must never take one image's result for another's. So a name depends on
no order: party.jpg gives party.png, unless another file of the folder could want that name too; then it is
party.jpg.png.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from ..photo.cropped import HEATMAPS
from ..photo.write import KEPT

LONGEST = 200  # bytes of a stem: a name has 255 at most, and endings are added
OWN_ENDINGS = (HEATMAPS, ".sheet")


def stems(names: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """A stem for each file name of one folder; `taken`: names that are no stem (the folders there)."""
    bare = [PurePosixPath(name).stem for name in names]
    count = Counter(stem.casefold() for stem in bare)
    others = {name.casefold() for name in names} | {name.casefold() for name in taken}
    chosen = []
    for name, stem in zip(names, bare, strict=True):
        key = stem.casefold()
        endings = stem.casefold().endswith(OWN_ENDINGS)
        own = name.casefold() == key  # a name without an ending
        alone = count[key] == 1 and (own or key not in others) and not endings and stem.strip(".")
        chosen.append(_short(stem if alone else name, name))
    return chosen


def _short(stem: str, name: str) -> str:
    data = stem.encode()
    if len(data) <= LONGEST:
        return stem
    return data[: LONGEST - 9].decode(errors="ignore") + "-" + hashlib.sha256(name.encode()).hexdigest()[:8]


def marks(name: str, stem: str, kind: str) -> list[str]:
    """The files of which one is there when this image is done: what its kind writes last.

    kind: "cropped", "photos" or "auto", as a photo's own ending or PNG is its result.
    """
    ending = PurePosixPath(name).suffix
    kept = kind != "cropped" and ending.lower() in KEPT and ending != ".png"
    return [f"{stem}.png", *([f"{stem}{ending}"] if kept else [])]
