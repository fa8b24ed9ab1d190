"""What the canvas learns from: photos and face crops, resident as uint8, and patches made of them.

Targets are cleaner than the files they come from: photos are reduced to between a half and their own size, crops
(small files of lossy pictures) to a half or as little more as a patch needs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...dataset.layouts import Face, table
from ...dataset.rough import Chances, blur, roughen, sharpen
from ...dataset.split import split_of
from ...errors import FacepriorError
from ...networks.canvas import SCALE
from .config import CanvasTraining

PHOTO_SCALES = (0.5, 0.6, 0.75, 1.0)
HELD_BACK = 15  # every such photo is for validation
MARGIN = 4  # pixels of the input around a patch, so that its edge is reduced as the inside of a photo is
SUFFIXES = (".jpg", ".jpeg", ".png", ".avif", ".webp")

Array = np.ndarray


@dataclass
class Pictures:
    photos: list[list[Array]]  # each at all scales, uint8 (h, w, 3)
    faces: list[Array]
    val_photos: list[Array]
    val_faces: list[Array]
    left_out: list[str]  # a line for each reason


@dataclass(frozen=True)
class FaceSplit:
    """Which faces are for tests alone, as `prepare` was told: names of sources, and the salt of the others' split."""

    test_sources: tuple[str, ...] = ()
    salt: str = ""


def load_pictures(
    photos: Path, faces: Path | None, config: CanvasTraining, split: FaceSplit = FaceSplit(), limit: int = 12000
) -> Pictures:
    """`photos`: a folder of images. `faces`: a folder of sources of layout `table`, of which the training split is
    learned from. What cannot be read or is too small is left out; FacepriorError where a folder has nothing else."""
    found = sorted(p for p in photos.rglob("*") if p.suffix.lower() in SUFFIXES)
    least = (config.photo_patch + 2 * MARGIN) * SCALE
    usable, left_out = _readable(found, least, "photo")
    whole = [image for _, image in usable]
    train = [image for i, image in enumerate(whole) if i % HELD_BACK]
    held = [image for i, image in enumerate(whole) if not i % HELD_BACK]
    if not train:
        reasons = "".join(f"; {line}" for line in left_out)
        wanted = f"two are needed, with sides of {least} px or more"
        raise FacepriorError(f"{photos}: no photos to train the canvas on; {wanted}{reasons}")
    crops: dict[str, list[Array]] = {"train": [], "val": []}
    if faces is not None:
        side = config.face_patch * SCALE
        splits = {path: name for name, path in _listed(faces, split, limit)}
        usable, more = _readable(splits, side, "face crop", half=True)
        for path, crop in usable:
            crops[splits[path]].append(crop)
        if not crops["train"]:
            reasons = "".join(f"; {line}" for line in more)
            raise FacepriorError(f"{faces}: no face crops to train the canvas on{reasons}")
        left_out += more
    pyramids = [_pyramid(image, least) for image in train]
    return Pictures(pyramids, crops["train"], [_whole(p) for p in held], [_whole(c) for c in crops["val"]], left_out)


def _readable(
    paths: Iterable[Path], least: int, what: str, *, half: bool = False
) -> tuple[list[tuple[Path, Array]], list[str]]:
    """The images whose sides are `least` pixels or more, and what is said of the others. half: reduced to a half, or
    as little more as they need."""
    images, bad, small = [], [], 0
    for path in paths:
        try:
            image = read(path)
        except FacepriorError as error:
            bad.append(str(error))
            continue
        if min(image.shape[:2]) >= least:
            images.append((path, reduced(image, max(0.5, (least + 2) / min(image.shape[:2]))) if half else image))
        else:
            small += 1
    said = [f"{len(bad)} {what}s left out: {bad[0]}"] if bad else []
    return images, [*said, f"{small} {what}s left out: smaller than {least} px"] if small else said


def _pyramid(image: Array, least: int) -> list[Array]:
    """The image at all scales at which its sides are `least` pixels or more."""
    sizes = (reduced(image, scale) for scale in PHOTO_SCALES)
    return [x for x in sizes if min(x.shape[:2]) >= least]


def _listed(faces: Path, split: FaceSplit, limit: int) -> list[tuple[str, Path]]:
    """(split, path) of crops, sources and people mixed, at most `limit` of them."""
    rows = []
    folders = {p: p.resolve().name for p in sorted(faces.glob("*")) if p.is_dir() and table.matches(p)}
    if absent := [name for name in split.test_sources if name not in folders.values()]:
        known = ", ".join(sorted(folders.values())) or "none"
        raise FacepriorError(f"--test-source {absent[0]}: not among the sources of {faces}: {known}")
    for folder, source in folders.items():
        if source in split.test_sources:
            continue
        for face in table.faces(folder, source, "auto"):
            if isinstance(face, Face) and (name := split_of(face.source, face.person, split.salt)) != "test":
                rows.append((name, face.path))
    if not rows:
        raise FacepriorError(f"{faces}: no folder in it has images and a landmark table (*landmark*.csv) of them")
    order = np.random.default_rng(0).permutation(len(rows))
    return [rows[i] for i in order[:limit]]


def read(path: Path) -> Array:
    """uint8 (h, w, 3)."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except Exception as error:  # decoders raise many kinds
        raise FacepriorError(f"{path}: not a readable image ({error})") from None


def reduced(image: Array, factor: float) -> Array:
    if factor >= 1:
        return image
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def _whole(image: Array) -> Array:
    """Cut to whole pixels of the input."""
    return image[: image.shape[0] // SCALE * SCALE, : image.shape[1] // SCALE * SCALE]


def to_quarter(image: Array) -> Array:
    """Pillow's anti-aliased BICUBIC reduction."""
    size = (image.shape[1] // SCALE, image.shape[0] // SCALE)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


class Batches:
    """Batch `step` is the same in every run of a seed: (input, target, condition), uint8 NHWC and float32 (N, 2)."""

    def __init__(self, pictures: Pictures, config: CanvasTraining, chances: Chances):
        self.pictures, self.config, self.chances = pictures, config, chances

    def at(self, step: int) -> tuple[Array, Array, Array]:
        c, rng = self.config, np.random.default_rng([self.config.seed, step])
        of_faces = bool(self.pictures.faces) and rng.random() < c.faces
        patch, count = (c.face_patch, c.face_batch) if of_faces else (c.photo_patch, c.photo_batch)
        made = [self._one(of_faces, patch, i < round(count * c.clean), rng) for i in range(count)]
        lr, hr, told = zip(*made, strict=True)
        return np.stack(lr), np.stack(hr), np.array(told, np.float32)

    def _one(self, of_face: bool, patch: int, clean: bool, rng: np.random.Generator) -> tuple[Array, Array, Sequence]:
        if of_face:
            image = self.pictures.faces[rng.integers(len(self.pictures.faces))]
        else:
            scales = self.pictures.photos[rng.integers(len(self.pictures.photos))]
            image = scales[max(0, int(rng.integers(len(scales) + 1)) - 1)]  # the smallest, cleanest twice as often
        window, (top, left) = _window(image, patch, rng)
        target = coloured(window, rng)
        fate = rng.random()
        if fate < 0.25:  # photos that are soft by themselves stay so
            target = blur(target, rng.uniform(0.6, 2.5))
        elif fate < 0.33:
            target = sharpen(target, rng.uniform(0.3, 1.0), rng.uniform(0.6, 1.5))
        lr, told = to_quarter(target), (0.0, 0.0)
        if not clean:
            lr, told = roughen(lr, rng, self.chances)
        lr = lr[top : top + patch, left : left + patch]
        hr = target[top * SCALE : (top + patch) * SCALE, left * SCALE : (left + patch) * SCALE]
        turns, flip = int(rng.integers(4)), rng.random() < 0.5
        lr, hr = np.rot90(lr, turns), np.rot90(hr, turns)
        return (lr[:, ::-1], hr[:, ::-1], told) if flip else (lr, hr, told)


def _window(image: Array, patch: int, rng: np.random.Generator) -> tuple[Array, tuple[int, int]]:
    """A patch with its margin, where the image has one -> (the part, the patch's place in it in input pixels)."""
    spans, places = [], []
    for size in image.shape[:2]:
        start = int(rng.integers(0, size - patch * SCALE + 1))
        before = min(MARGIN, start // SCALE)
        after = min(MARGIN, (size - start - patch * SCALE) // SCALE)
        spans.append(slice(start - before * SCALE, start + (patch + after) * SCALE))
        places.append(before)
    return image[spans[0], spans[1]], (places[0], places[1])


def coloured(image: Array, rng: np.random.Generator) -> Array:
    """Channels permuted and gained, sometimes made grey: few photos show few colours."""
    if rng.random() < 0.5:
        image = image[..., rng.permutation(3)]
    if rng.random() < 0.5:
        gain = rng.uniform(0.6, 1.25) * rng.uniform(0.85, 1.15, 3)
        image = np.clip(image * gain.astype(np.float32) + np.float32(0.5), 0, 255).astype(np.uint8)
    if rng.random() < 0.12:
        image = np.repeat((image @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)[..., None], 3, 2)
    return image
