"""The sheet of a clip: every tracked face with its number, for `--faces`."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..runtime.pictures import BACKGROUND, GAP, INK
from .cast import CELL, MAX_SHOWN, Member

FAINT = (150, 150, 155)  # the ink of what was left as it was
NUMBER, WORDS = 26, 11  # size of the letters, pixels
HEAD, LINE = 32, 14  # height of the number's row, and of one of words


def cast_sheet(members: Sequence[Member]) -> Image.Image | None:
    """The first 200: as the clip has it and as it was restored, where that was seen best; None where there is none."""
    shown = [m for m in members if m.best.picture is not None][:MAX_SHOWN]
    if not shown:
        return None
    width, height = 2 * CELL + GAP, HEAD + 2 * LINE + CELL + GAP
    columns = min(len(shown), max(1, min(6, round(math.sqrt(len(shown) * height / width)))))
    rows = -(-len(shown) // columns)
    sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(NUMBER), ImageFont.load_default(WORDS)
    for i, member in enumerate(shown):
        x, y = GAP + i % columns * width, GAP + i // columns * height
        ink = INK if member.restored else FAINT
        pen.text((x, y + HEAD / 2), str(member.number), ink, font=large, anchor="lm")
        for j, text in enumerate(_words(member)):
            pen.text((x, y + HEAD + j * LINE), text, ink, font=small)
        top = y + HEAD + 2 * LINE
        for j, picture in enumerate(p for p in (member.best.picture, member.best.image) if p is not None):
            sheet.paste(Image.fromarray(np.asarray(picture)), (x + j * CELL, top))
    return sheet


def _words(member: Member) -> tuple[str, str]:
    low, high = (round(v) for v in member.sizes)
    sizes = f"{low} px" if low == high else f"{low}-{high} px"
    times = f"{_clock(member.first[1])} - {_clock(member.last[1])}"
    return times, f"{sizes}  {member.reason}" if member.reason else sizes


def _clock(seconds: float) -> str:
    """Minutes, seconds and tenths."""
    tenths = round(max(0.0, seconds) * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
