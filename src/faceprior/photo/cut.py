"""A detected face -> the square that the network looks at, and its LR.

The networks were trained on frames (`face/frame.py`) off by up to 50 degrees, 15 % of the side and a third of
the scale. The cut must land there, from what a detector says of a tiny face. Measured on 400 validation faces of all
sources shrunk to sides of 16, 28 and 48 px (YuNet finds 95 %), with its five points:

* centre: eight of ten lie within 4 % of the side across and down, the median within 1 %; from the box alone it is
  worse, because the box of a turned head reaches over its ear;
* side: box and points together are within 10 % for 87 % and within 15 % for 96 %;
* roll: the points say next to nothing of it (a true 25 degrees reads as 2 at 16 px and 6 at 48 px), so it is
  left to the network, and only quarter turns, which the detector knows, are undone here.
"""

import numpy as np
from PIL import Image

from ..face.frame import Frame
from ..runtime.backends.base import LR_SIZE
from .boxes import Detection

BOX_PART = 0.6  # how much the box says of the side, against the points, in logarithms
SIDE = 1.098  # side / (box^0.6 points^0.4)
SIDE_BOX = 1.171  # side / sqrt(width height), where there are no points
BOX_DROP = 0.034  # the frame's centre below the box's, in sides, where there are no points

# What a detector's five points say of the frame.
EYE_SPAN = 2.9  # side / distance of the eyes
MOUTH_SPAN = 2.72  # side / distance from the eyes to the mouth; the larger of the two holds (profiles!)
MOUTH_SHIFT = 0.42  # centre, as a part of the way from the eyes to the mouth

RENDER = 128  # the protocol renders a frame at this size before it reduces it
DIRECT = 1.25  # of the network's pixels: a frame of fewer in the photo is cut at once


def face_frame(face: Detection) -> Frame:
    """The square to cut, in pixels of the photo: upright but for quarter turns."""
    x, y, w, h = face.box
    turn = np.radians(90 * face.turn)
    right = np.array([np.cos(turn), np.sin(turn)]).round()
    down = np.array([-right[1], right[0]])
    extent = np.sqrt(w * h)
    if face.points is None:
        side = SIDE_BOX * extent
        # Box edges -> pixel centres: half a pixel.
        centre = np.array([x + w / 2, y + h / 2]) - 0.5 + BOX_DROP * side * down
    else:
        p = np.asarray(face.points, np.float64)
        eyes, mouth = (p[0] + p[1]) / 2, (p[3] + p[4]) / 2
        span = max(EYE_SPAN * np.hypot(*(p[1] - p[0])), MOUTH_SPAN * np.hypot(*(mouth - eyes)))
        # Points that collapse (a broken detection) must not make the square collapse.
        span = np.clip(span, extent * 0.7, extent * 2)
        side = SIDE * extent**BOX_PART * span ** (1 - BOX_PART)
        centre = eyes + MOUTH_SHIFT * (mouth - eyes)
    return Frame((float(centre[0]), float(centre[1])), (float(right[0]), float(right[1])), float(side))


def quarter_turns(frame: Frame) -> int:
    """0..3: how far a frame along the photo's axes is turned clockwise."""
    return round(frame.angle / 90) % 4


def cut(rgb: np.ndarray, frame: Frame, size: int, resample: Image.Resampling) -> np.ndarray:
    """A frame along the photo's axes, uint8 (H, W, 3) -> (size, size, 3), anti-aliased, edges repeated."""
    half = frame.side / 2
    x0, y0 = frame.centre[0] + 0.5 - half, frame.centre[1] + 0.5 - half  # edges
    margin = 4 + int(4 * frame.side / size)  # what the filter reaches over
    left, top = int(np.floor(x0)) - margin, int(np.floor(y0)) - margin
    columns = np.arange(left, int(np.ceil(x0 + frame.side)) + margin)
    rows = np.arange(top, int(np.ceil(y0 + frame.side)) + margin)
    patch = rgb[np.clip(rows, 0, rgb.shape[0] - 1)[:, None], np.clip(columns, 0, rgb.shape[1] - 1)]
    box = (x0 - left, y0 - top, x0 - left + frame.side, y0 - top + frame.side)
    out = np.asarray(Image.fromarray(patch).resize((size, size), resample, box=box))
    return np.ascontiguousarray(np.rot90(out, quarter_turns(frame)))


def cut_lr(rgb: np.ndarray, frame: Frame, size: int = LR_SIZE) -> np.ndarray:
    """uint8 (size, size, 3): the input of a network of 16 or 32 px.

    From large faces as the protocol makes it: rendered at 128, reduced by bicubic. A face of hardly more than
    16 px would be blurred twice by that. Against the 16x16 of the same face in its full-size photo (real
    faces), in dB, protocol / direct Lanczos / render by Lanczos:
    side 10: 25.7 / 26.5 / 26.3; 16: 32.1 / 34.6 / 33.2; 20: 35.8 / 37.5 / 37.3; 24: 39.1 / 38.4 / 40.7;
    48: 48.1 / 39.3 / 48.3.
    """
    if frame.side < DIRECT * size:
        return cut(rgb, frame, size, Image.Resampling.LANCZOS)
    rendered = Image.fromarray(cut(rgb, frame, RENDER, Image.Resampling.LANCZOS))
    return np.asarray(rendered.resize((size, size), Image.Resampling.BICUBIC))
