"""Colour profiles that are written here: of sRGB's greys, and of what a PNG or AVIF says of its colours without one.

JPEG, TIFF and WEBP know no chunks of PNG (cICP; gAMA and cHRM), but hold a profile that says the same. Of HDR (the
curves PQ and HLG) none that viewers follow does.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

WHITE = (63190, 65536, 54061)  # D50, in parts of 65536
# The curve of sRGB as ICC writes it: ((x + 0.055) / 1.055) ** 2.4, below 0.04045 x / 12.92.
_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
# Codes of ITU-T H.273 that are shown as sRGB: its own, BT.709, BT.601; what says nothing is 2.
PLAIN_PRIMARIES, PLAIN_TRANSFERS = (1, 2, 5, 6), (1, 2, 6, 13, 14, 15)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}  # by its codes of transfer
_HDR = {16: "PQ", 18: "HLG"}
_D65 = (0.3127, 0.3290)
_OF_SRGB = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)  # x, y of white, red, green, blue
_PRIMARIES = {
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  #         BT.2020
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # DCI-P3
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  #        Display P3
    **dict.fromkeys(PLAIN_PRIMARIES, _OF_SRGB),
}
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_NEAR_GAMMA, _NEAR_PLACE = 0.05, 0.005  # what is as near to sRGB is taken for it


def grey_of_srgb() -> bytes:
    """A grey profile with the curve of sRGB: Pillow makes none."""
    return _profile(None, _SRGB)


def profile_for(colours: Mapping[str, bytes], *, grey: bool = False) -> bytes | None:
    """colours: as `Metadata` has them -> a profile that says the same; None where that is sRGB, or there is none."""
    meaning = _meaning(colours)
    if meaning is None:
        return None
    places, curve = meaning
    if curve is _SRGB and (grey or places == _OF_SRGB):
        return None
    return _profile(None if grey else places, curve)


def said_of_lost(colours: Mapping[str, bytes], format: str) -> str | None:
    """What to tell a user whose colours mean what no profile says."""
    code = colours.get("cICP", b"")
    if _is_plain(code) or _meaning(colours) is not None:
        return None
    kind = f"HDR, {_HDR[code[1]]}" if code[1] in _HDR else f"cICP {'-'.join(map(str, code))}"
    return f"what its colours mean ({kind}) is lost in {format}, where they look wrong; a .png keeps it"


def _is_plain(code: bytes) -> bool:
    return len(code) != 4 or (code[0] in PLAIN_PRIMARIES and code[1] in PLAIN_TRANSFERS and code[3] == 1)


def _meaning(colours: Mapping[str, bytes]) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """x, y of white, red, green, blue and the parameters of the curve. As PNG has it, cICP goes before sRGB, and that
    before gamma."""
    if code := colours.get("cICP"):
        primaries, transfer, _, full = code
        curve = _SRGB if transfer in PLAIN_TRANSFERS else (_GAMMAS[transfer],) if transfer in _GAMMAS else None
        places = _PRIMARIES.get(primaries)
        return None if curve is None or places is None or full != 1 else (places, curve)
    if "sRGB" in colours or "gAMA" not in colours:
        return None
    (value,) = struct.unpack(">I", colours["gAMA"])
    gamma = 100_000 / value if value else 0.0
    if not 0.1 <= gamma <= 10:
        return None
    curve = _SRGB if abs(gamma / 2.2 - 1) < _NEAR_GAMMA else (gamma,)
    places = _OF_SRGB
    if "cHRM" in colours:
        places = tuple(number / 100_000 for number in struct.unpack(">8I", colours["cHRM"]))
        if max(abs(a - b) for a, b in zip(places, _OF_SRGB, strict=True)) < _NEAR_PLACE:
            places = _OF_SRGB
        elif not _is_a_triangle(places):
            return None
    return places, curve


def _is_a_triangle(places: Sequence[float]) -> bool:
    """Whether the primaries hold the white between them."""
    spots = np.array(places).reshape(4, 2)
    if not (spots[:, 1] > 0.001).all() or not (spots.sum(1) <= 1.001).all():
        return False
    edges = np.vstack([spots[1:].T, np.ones(3)])
    if abs(np.linalg.det(edges)) < 0.01:
        return False
    return bool((np.linalg.solve(edges, np.array([*spots[0], 1])) > 0.001).all())


def _profile(places: Sequence[float] | None, curve: Sequence[float]) -> bytes:
    """Of version 4. places: as of `_meaning`, or None of grey; curve: one exponent, or the five of sRGB's kind."""
    para = b"para" + struct.pack(f">4xHH{len(curve)}i", 0 if len(curve) == 1 else 3, 0, *_fixed(curve))
    tags = {b"desc": _text("as the photo's file says"), b"cprt": _text("No copyright"), b"wtpt": _xyz(WHITE)}
    if places is None:
        tags[b"kTRC"] = para
    else:
        matrix, adaption = _to_d50(places)
        tags[b"chad"] = b"sf32" + struct.pack(">4x9i", *_fixed(adaption.ravel()))
        tags |= {name: _xyz(_fixed(matrix[:, i])) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), para)
    at, index, body = 128 + 4 + 12 * len(tags), b"", b""
    known: dict[bytes, int] = {}
    for name, data in tags.items():
        if data not in known:
            known[data] = at + len(body)
            body += data + bytes(-len(data) % 4)
        index += name + struct.pack(">II", known[data], len(data))
    space = b"GRAY" if places is None else b"RGB "
    head = struct.pack(">I4x4s4s4s4s12x4s", at + len(body), b"\x04\x20\0\0", b"mntr", space, b"XYZ ", b"acsp")
    head = (head + bytes(28) + struct.pack(">3i", *WHITE)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags)) + index + body


def _to_d50(places: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(3, 3) linear RGB -> XYZ under D50, and what the white's change to it was, by Bradford."""
    white, *primaries = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(places[::2], places[1::2], strict=True))
    columns = np.stack(primaries, 1)
    matrix = columns * np.linalg.solve(columns, white)
    there, here = _BRADFORD @ (np.array(WHITE) / 65536), _BRADFORD @ white
    adaption = np.linalg.inv(_BRADFORD) @ np.diag(there / here) @ _BRADFORD
    return adaption @ matrix, adaption


def _fixed(values: Sequence[float] | np.ndarray) -> list[int]:
    return [round(float(value) * 65536) for value in values]


def _xyz(values: Sequence[int]) -> bytes:
    return b"XYZ " + struct.pack(">4x3i", *values)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">4xII4sII", 1, 12, b"enUS", len(encoded), 28) + encoded
