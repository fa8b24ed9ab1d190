"""A photo as it was before it was sharpened, or left soft: its waves divided by what that multiplied them by."""

from collections.abc import Iterable

import numpy as np

from ..face.frame import Frame
from .softened import Response

REACH = 24  # pixels: what lies further away changes nothing
ROWS = 256  # of the photo, at a time
# Of a face's side, from its middle: up to the first it is as it was, from the second on the photo is as it is. What is
# cut ends at 0.71, if the face lies in its middle.
FULL, FADED = 0.75, 1.0


def unsharpened(rgb: np.ndarray, by: Response) -> np.ndarray:
    """uint8 (H, W, 3) -> the same shape. What was clipped stays lost. Of a sharpening noise and blocks shrink, too; of
    softness they grow, which bounds it (`softened.MOST`). Strip by strip, so the memory is that of a strip."""
    height = len(rgb)
    out = np.empty_like(rgb)
    for top in range(0, height, ROWS):
        end = min(top + ROWS, height)
        first, last = max(0, top - REACH), min(height, end + REACH)
        beyond = first - (top - REACH), end + REACH - last
        out[top:end] = _whole(rgb[first:last], by, beyond)[REACH : REACH + end - top]
    return out


def unsharpened_at(
    rgb: np.ndarray, faces: Iterable[tuple[Frame, Response]], full: float = FULL, faded: float = FADED
) -> np.ndarray:
    """The same of some faces of a photo and what is around them, each by its own; elsewhere it stays as it is."""
    out = rgb.copy()
    for frame, by in faces:
        reach = faded * frame.side
        rows, columns = (
            slice(*(int(np.clip(v, 0, length)) for v in (np.floor(middle - reach), np.ceil(middle + reach) + 1)))
            for middle, length in zip(frame.centre[::-1], rgb.shape, strict=False)
        )
        top, left = max(0, rows.start - REACH), max(0, columns.start - REACH)
        part = rgb[top : rows.stop + REACH, left : columns.stop + REACH]
        if not out[rows, columns].size:
            continue
        made = unsharpened(part, by)[rows.start - top :, columns.start - left :]
        made = made[: rows.stop - rows.start, : columns.stop - columns.start]
        x, y = frame.centre
        far = np.hypot(np.arange(rows.start, rows.stop)[:, None] - y, np.arange(columns.start, columns.stop) - x)
        weight = np.clip((faded - far / frame.side) / (faded - full), 0, 1).astype(np.float32)[..., None]
        was = out[rows, columns].astype(np.float32)
        out[rows, columns] = np.rint(was + weight * (made - was))
    return out


def _whole(rgb: np.ndarray, by: Response, beyond: tuple[int, int]) -> np.ndarray:
    """All of an array, and rows `beyond` it above and below. What is beyond it, and at its sides, goes on as it came:
    of a face of 16 pixels the edges are half."""
    x = np.pad(rgb.astype(np.float32), (beyond, (REACH, REACH), (0, 0)), "reflect", reflect_type="odd")
    down, across = np.fft.fftfreq(x.shape[0]), np.fft.rfftfreq(x.shape[1])
    part = (1 / by.gain(np.hypot(down[:, None], across))).astype(np.float32)
    planes = [np.fft.irfft2(np.fft.rfft2(x[..., c]) * part, x.shape[:2])[:, REACH:-REACH] for c in range(3)]
    return np.clip(np.rint(np.stack(planes, -1)), 0, 255).astype(np.uint8)
