"""What the numbers of a clip's pictures mean: matrix, range, primaries, transfer (as H.273 and FFmpeg count), bits."""

from dataclasses import dataclass
from pathlib import Path

import av

from ..errors import FacepriorError

RGB, BT709, UNTAGGED, BT601, BT2020 = 0, 1, 2, 5, 9
PQ, HLG = 16, 18
# The matrices between YUV and RGB that FFmpeg's scaler has, by its names; the two of BT.601 are the same.
MATRICES = {BT709: "bt709", 4: "fcc", BT601: "bt470", 6: "smpte170m", 7: "smpte240m", BT2020: "bt2020"}
# Those that H.273 has beside them: pictures that would come out in wrong colours.
FOREIGN = {
    8: "YCgCo", 10: "BT.2020 with constant luminance", 11: "Y'D'zD'x", 12: "derived from its primaries",
    13: "derived from its primaries, with constant luminance", 14: "ICtCp", 15: "IPT-C2", 16: "YCgCo-Re",
    17: "YCgCo-Ro",
}  # fmt: skip
HD_LINES, HD_COLUMNS = 720, 1280  # films of cinema shape have 1280 columns and fewer lines
LIMITED, FULL = 1, 2


@dataclass(frozen=True)
class Colour:
    """matrix: a key of MATRICES; primaries, transfer: as tagged, 2 where they were not; full: 0..255, not 16..235;
    bits: what the result holds, 8 or 10; rgb: whether the clip itself needs no matrix."""

    matrix: int
    full: bool
    primaries: int
    transfer: int
    bits: int
    rgb: bool = False

    @property
    def hdr(self) -> bool:
        return self.transfer in (PQ, HLG)

    @property
    def range(self) -> int:
        return FULL if self.full else LIMITED


def colour_of(context: "av.VideoCodecContext", path: Path) -> Colour:
    """The tags of a stream; what is not tagged, as players take it. Raises FacepriorError for what cannot be read."""
    rgb = bool(context.format and context.format.is_rgb)
    tagged, primaries, transfer = context.colorspace, context.color_primaries, context.color_trc
    if not rgb and tagged in FOREIGN:
        raise FacepriorError(
            f"{path}: its colours are coded as {FOREIGN[tagged]}, which cannot be read here; convert it to BT.709 first"
        )
    if tagged in MATRICES:
        matrix = tagged
    elif primaries == BT2020 or transfer in (PQ, HLG):
        matrix = BT2020
    else:
        matrix = BT709 if context.height >= HD_LINES or context.width >= HD_COLUMNS else BT601
    # RGB is 0..255 and is written as any video is, 16..235.
    full = not rgb and (context.color_range == FULL or (context.pix_fmt or "").startswith("yuvj"))
    deep = depth(context) > 8 or transfer in (PQ, HLG)
    return Colour(matrix, full, primaries, transfer, 10 if deep else 8, rgb)


def depth(context: "av.VideoCodecContext") -> int:
    """Bits a channel."""
    return max((c.bits for c in context.format.components), default=8) if context.format else 8
