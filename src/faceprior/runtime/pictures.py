"""Pictures for people: heatmaps over a face, contact sheets, labelled panels side by side. Pillow alone."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 6  # pixels
BACKGROUND, INK = (24, 24, 26), (235, 235, 235)
COLOURS = np.array([(64, 160, 255), (64, 220, 120), (255, 80, 90), (255, 200, 60)], np.float32)
"""eyes blue, nose green, mouth red, chin yellow"""
STRENGTH = 0.8  # of the colour where a heatmap is 1


def overlay(image: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """uint8 (S, S, 3), float32 (4, R, R) about [0, 1] -> uint8 (S, S, 3): each component in its colour.

    The face is dimmed and greyed first, so that the colours stand out on any skin.
    """
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float32)[..., None]
    out = 0.35 * image + 0.35 * grey
    for heat, colour in zip(heatmaps, COLOURS, strict=True):
        raised = Image.fromarray(np.asarray(heat, np.float32)).resize(image.shape[1::-1], Image.Resampling.BILINEAR)
        weight = np.clip(np.nan_to_num(np.asarray(raised)), 0, 1)[..., None] * STRENGTH
        out = out * (1 - weight) + colour * weight
    return np.rint(np.clip(out, 0, 255)).astype(np.uint8)


def panels(pictures: Sequence[tuple[str, np.ndarray]], size: int, *, smooth: bool = False) -> Image.Image:
    """Labelled square pictures in a row: (label, uint8 (S, S, 3)) each, shown `size` pixels wide.

    Enlarged by nearest neighbour, so that a 16x16 shows its pixels, or bicubic with `smooth`.
    """
    resample = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    font = ImageFont.load_default(max(10, size // 14))
    label = round(font.size * 1.6)
    sheet = Image.new("RGB", (len(pictures) * (size + GAP) + GAP, size + label + GAP), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for i, (text, picture) in enumerate(pictures):
        x = GAP + i * (size + GAP)
        pen.text((x + 2, label / 2), text, INK, font=font, anchor="lm")
        sheet.paste(Image.fromarray(picture).resize((size, size), resample), (x, label))
    return sheet


def below(pictures: Sequence[tuple[str, np.ndarray]]) -> Image.Image:
    """Labelled pictures of one width, (label, uint8 (H, W, 3)) each, one below the other, pixel for pixel."""
    font = ImageFont.load_default(15)
    label = round(font.size * 1.6)
    width = max(picture.shape[1] for _, picture in pictures)
    sheet = Image.new("RGB", (width, sum(label + picture.shape[0] for _, picture in pictures)), BACKGROUND)
    pen, y = ImageDraw.Draw(sheet), 0
    for text, picture in pictures:
        pen.text((4, y + label / 2), text, INK, font=font, anchor="lm")
        sheet.paste(Image.fromarray(picture), (0, y + label))
        y += label + picture.shape[0]
    return sheet


def result_png(images: np.ndarray, heatmaps: np.ndarray, columns: int = 4) -> bytes:
    """uint8 (N, S, S, 3), float32 (N, 4, R, R) -> a PNG: each face beside its heatmaps, `columns` faces in a row."""
    n, size = images.shape[:2]
    width, height = 2 * size + GAP, size + GAP
    across = min(n, columns)
    sheet = Image.new("RGB", (across * width + GAP, -(-n // across) * height + GAP), BACKGROUND)
    for i, (image, maps) in enumerate(zip(images, heatmaps, strict=True)):
        x, y = GAP + i % across * width, GAP + i // across * height
        sheet.paste(Image.fromarray(image), (x, y))
        sheet.paste(Image.fromarray(overlay(image, maps)), (x + size, y))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


class ContactSheet:
    """Faces at a glance, at most `limit` of them: what the network saw, what it made, the heatmaps."""

    def __init__(self, limit: int = 200, cell: int = 128):
        self.limit, self.cell = limit, cell
        self.rows: list[Image.Image] = []

    def add(self, name: str, lr: np.ndarray, image: np.ndarray, heatmaps: np.ndarray) -> None:
        """uint8 (16, 16, 3), uint8 (128, 128, 3), float32 (4, 64, 64)."""
        if len(self.rows) < self.limit:
            trio = (_shortened(name, 24), lr), ("", image), ("", overlay(image, heatmaps))
            self.rows.append(panels(trio, self.cell))

    def picture(self) -> Image.Image | None:
        """About as wide as high; None while nothing was added."""
        if not self.rows:
            return None
        w, h = self.rows[0].size
        columns = max(1, round((len(self.rows) * h / w) ** 0.5))
        sheet = Image.new("RGB", (columns * w, -(-len(self.rows) // columns) * h), BACKGROUND)
        for i, row in enumerate(self.rows):
            sheet.paste(row, (i % columns * w, i // columns * h))
        return sheet


def _shortened(text: str, length: int) -> str:
    text = "".join(c if c.isprintable() else "?" for c in text)  # Pillow's font draws boxes for what it lacks
    return text if len(text) <= length else f"{text[: length - 10]}…{text[-9:]}"
