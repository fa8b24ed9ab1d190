"""The pictures of Figures 1 and 5: one face a row, one system a column, between the LR and the HR."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from ...dataset.pairs import PairMaker
from ...dataset.protocol import PAPER
from ...dataset.store import FaceStore
from ...files import write_atomically
from ..metrics import to_levels
from ..models import HR_SIZE, Restorer
from ..pictures import HEADER, chosen
from ..scores import as_images

GAP = 2


def faces_of_all_poses(store: FaceStore, count: int) -> list[int]:
    """`count` faces from frontal to the most turned, chosen by their names among eight times as many."""
    rows = chosen(store, 8 * count)
    rows.sort(key=lambda i: abs(float(store.yaw[i])))
    return [rows[k] for k in np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def figure(store: FaceStore, columns: dict[str, Restorer], count: int = 6) -> Image.Image:
    """LR, HR, then every system of `columns` (title -> model)."""
    rows = faces_of_all_poses(store, count)
    with torch.inference_mode():
        pairs = PairMaker(store, PAPER).test(torch.tensor(rows))
        lr, hr = as_images(to_levels(pairs.lr)), as_images(to_levels(pairs.hr))
        scale = HR_SIZE // lr.shape[1]
        cells = {"LR": lr.repeat(scale, 1).repeat(scale, 2), "HR": hr}
        cells |= {title: model(lr, pairs).images for title, model in columns.items()}
    step = HR_SIZE + GAP
    sheet = Image.new("RGB", (len(cells) * step - GAP, HEADER + len(rows) * step - GAP))
    pen = ImageDraw.Draw(sheet)
    for x, (title, images) in enumerate(cells.items()):
        pen.text((x * step + 4, 1), title.encode("latin-1", "ignore").decode("latin-1"), fill="white")
        for y, image in enumerate(images):
            sheet.paste(Image.fromarray(image), (x * step, HEADER + y * step))
    return sheet


def save(image: Image.Image, path: Path) -> Path:
    write_atomically(path, lambda file: image.save(file, "PNG"))
    return path
