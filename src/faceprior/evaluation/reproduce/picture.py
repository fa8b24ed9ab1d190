"""The pictures of Figures 1, 3, 4 and 5: one face a row, from frontal to the most turned."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from ...dataset.pairs import PairMaker, Pairs
from ...dataset.protocol import PAPER
from ...dataset.store import FaceStore
from ...errors import FacepriorError
from ...files import write_atomically
from ..metrics import to_levels
from ..pictures import HEADER, chosen, overlays
from ..restorer import HR_SIZE, Restorer
from ..scores import as_images

GAP = 2


def faces_of_all_poses(store: FaceStore, count: int) -> list[int]:
    """`count` faces from frontal to the most turned, chosen by their names among eight times as many."""
    rows = chosen(store, 8 * count)
    rows.sort(key=lambda i: abs(float(store.yaw[i])))
    return [rows[k] for k in np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def figure(store: FaceStore, columns: dict[str, Restorer], count: int = 6) -> Image.Image:
    """LR, HR, then every system of `columns` (title -> model)."""
    lr, hr, pairs = _faces(store, count)
    return sheet(_before(lr, hr) | {title: model(lr, pairs).images for title, model in columns.items()})


def heatmap_figure(store: FaceStore, model: Restorer, count: int = 6) -> Image.Image:
    """Figure 3: LR, HR, true heatmaps, estimated ones, the output, and the estimated ones over it.

    Without the true ones where no face has landmarks.
    """
    lr, hr, pairs = _faces(store, count)
    restored = model(lr, pairs)
    if restored.heatmaps is None:
        raise FacepriorError(f"{model.name}: estimates no heatmaps")
    black = np.zeros_like(hr)
    known = bool(pairs.visible.any())
    truth = {"true heatmaps": overlays(black, pairs.heatmaps.cpu().numpy())} if known else {}
    maps = truth | {
        "estimated": overlays(black, restored.heatmaps),
        "output": restored.images,
        "estimated over output": overlays(restored.images, restored.heatmaps),
    }
    return sheet(_before(lr, hr) | maps)


def sheet(columns: dict[str, np.ndarray]) -> Image.Image:
    """Columns (title -> uint8 (N, 128, 128, 3)) side by side under their titles."""
    step, rows = HR_SIZE + GAP, len(next(iter(columns.values())))
    image = Image.new("RGB", (len(columns) * step - GAP, HEADER + rows * step - GAP))
    pen = ImageDraw.Draw(image)
    for x, (title, cells) in enumerate(columns.items()):
        pen.text((x * step + 4, 1), title.encode("latin-1", "ignore").decode("latin-1"), fill="white")
        for y, cell in enumerate(cells):
            image.paste(Image.fromarray(cell), (x * step, HEADER + y * step))
    return image


def _faces(store: FaceStore, count: int) -> tuple[np.ndarray, np.ndarray, Pairs]:
    with torch.inference_mode():
        pairs = PairMaker(store, PAPER).test(torch.tensor(faces_of_all_poses(store, count)))
        return as_images(to_levels(pairs.lr)), as_images(to_levels(pairs.hr)), pairs


def _before(lr: np.ndarray, hr: np.ndarray) -> dict[str, np.ndarray]:
    scale = HR_SIZE // lr.shape[1]
    return {"LR": lr.repeat(scale, 1).repeat(scale, 2), "HR": hr}


def save(image: Image.Image, path: Path) -> Path:
    write_atomically(path, lambda file: image.save(file, "PNG"))
    return path
