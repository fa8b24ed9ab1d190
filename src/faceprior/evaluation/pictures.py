"""Pictures of an evaluation: one face a row, LR, bicubic with the true alignment, output, HR, heatmaps.

The faces are real people's: for looking at, not for publishing, unless the data's terms allow it.
"""

import hashlib
import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from ..dataset.pairs import PairMaker
from ..dataset.store import FaceStore
from ..files import write_atomically
from ..runtime.pictures import overlay
from .floors import BicubicTrue
from .metrics import to_levels
from .restorer import HR_SIZE, Restorer
from .scores import as_images

HEADER = 14


def chosen(store: FaceStore, count: int) -> list[int]:
    """`count` faces that depend on their names alone: not on the order, nor on the models."""
    keys = [hashlib.sha256(f"{s}/{n}".encode()).digest() for s, n in zip(store.sources, store.names, strict=True)]
    return sorted(range(len(keys)), key=keys.__getitem__)[:count]


def worst(psnr: np.ndarray, count: int) -> list[int]:
    """The `count` faces of lowest PSNR, the worst first."""
    return np.argsort(np.nan_to_num(psnr, nan=np.inf), kind="stable")[:count].tolist()


def picture(maker: PairMaker, model: Restorer, rows: list[int], psnr: np.ndarray) -> Image.Image:
    """The grid for the store's faces `rows`; `psnr` (N,) of the whole store is printed on the outputs."""
    with torch.inference_mode():
        pairs = maker.test(torch.tensor(rows))
        lr, hr = as_images(to_levels(pairs.lr)), as_images(to_levels(pairs.hr))
        restored = model(lr, pairs)
        columns = {
            "LR": np.repeat(np.repeat(lr, HR_SIZE // lr.shape[1], 1), HR_SIZE // lr.shape[2], 2),
            "bicubic, true STN": BicubicTrue()(lr, pairs).images,
            model.name[-20:]: restored.images,
            "HR": hr,
        }
        if restored.heatmaps is not None:
            columns["heatmaps"] = overlays(restored.images, restored.heatmaps)
            columns["true heatmaps"] = overlays(hr, pairs.heatmaps.cpu().numpy())
    cells = np.concatenate(list(columns.values()), 2)
    pixels = np.concatenate([np.zeros((HEADER, cells.shape[2], 3), np.uint8), *cells])
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    for k, title in enumerate(columns):
        pen.text((k * HR_SIZE + 4, 1), title, fill="white")
    for k, row in enumerate(rows):
        at = (2 * HR_SIZE + 4, HEADER + k * HR_SIZE + 2)
        pen.text(at, f"{psnr[row]:.1f} dB", fill="white", stroke_width=1, stroke_fill="black")
    return image


def overlays(images: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """uint8 (N, 128, 128, 3), float32 (N, 4, R, R) about [0, 1] -> the images with each component in its colour."""
    return np.stack([overlay(image, maps) for image, maps in zip(images, heatmaps, strict=True)])


def write_pictures(
    folder: Path,
    store: FaceStore,
    maker: PairMaker,
    models: list[Restorer],
    psnr: list[np.ndarray],
    count: int,
) -> list[Path]:
    """`MODEL-chosen.png` and `MODEL-worst.png` for each model; `psnr` holds its (N,) a model."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for model, values in zip(models, psnr, strict=True):
        slug = re.sub(r"[^\w.-]+", "_", model.name).strip("_.") or "model"
        for what, rows in (("chosen", chosen(store, count)), ("worst", worst(values, count))):
            path = folder / f"{slug}-{what}.png"
            image = picture(maker, model, rows, values)
            write_atomically(path, lambda file, image=image: image.save(file, "PNG"))
            written.append(path)
    return written
