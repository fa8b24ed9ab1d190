"""The files of one photo. Each is written beside its place and renamed; the JSON comes last, so that where it is
whole, everything is (`--resume` goes by it)."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..face.similarity import similarity_parameters
from ..files import write_atomically
from ..runtime.pictures import overlay
from .deep_files import DEEP, TooLarge, save_deep
from .made_profile import profile_for, said_of_lost
from .sheet import MAX_FACES, contact_sheet
from .words import as_written

if TYPE_CHECKING:
    from .result import PhotoFace, PhotoResult

# What a photo's ending becomes; anything else becomes PNG.
KEPT = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
SAVING: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {"compress_level": 4},  # a third of the time of 6, Pillow's own, for files a twentieth larger
    "WEBP": {"quality": 95, "method": 2},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
# The longest side that a format can hold.
LONGEST = {"JPEG": 65_535, "WEBP": 16_383}


def write_photo(
    result: "PhotoResult",
    folder: Path,
    name: str,
    *,
    stem: str | None = None,
    about: dict[str, Any] | None = None,
    faces: bool = True,
    sheet: bool = True,
    photo: bool = True,
) -> dict[str, Any]:
    """Everything of a photo called `name` (party.jpg) into `folder`; returns what the JSON says.

    stem: what the files are called instead of "party"; about: further entries of the JSON; photo: False leaves the
    enlarged photo out.

    party.jpg       the enlarged photo        party/01.png          each face, 128x128
    party.sheet.png every face at a glance    party/01.lr.png       what the network saw
    party.json      boxes, transforms, ...    party/01.heatmap.png  with its components
    """
    target, format = photo_target(result, folder, name, stem)
    stem = stem or Path(name).stem
    folder.mkdir(parents=True, exist_ok=True)
    if photo:
        save_photo(result, target, format)
    picture = contact_sheet(result) if sheet else None
    sheet_name = None
    if picture is not None:
        sheet_name = f"{stem}.sheet.png"
        write_atomically(folder / sheet_name, lambda file: picture.save(file, "PNG", **SAVING["PNG"]))
    described = []
    for face in result.faces:
        files = _write_face(face, folder, stem) if faces and face.image is not None and face.restored else {}
        described.append({**describe_face(face), "files": files})
    notes = [*result.notes, *(lost_in(result, format) if photo else ())]
    if picture is not None and len(result.faces) > MAX_FACES:
        notes.append(f"the contact sheet shows the first {MAX_FACES} of {len(result.faces)} faces")
    data = {
        "format": 1,
        "photo": name,
        "kind": result.kind,
        "width": result.before.shape[1],
        "height": result.before.shape[0],
        "scale": round(result.scale, 4),
        "canvas": result.canvas.to_dict(),
        **{found.NAME: found.to_dict() for found in (result.sharpening, result.softness) if found is not None},
        **(about or {}),
        "files": {**({"photo": target.name} if photo else {}), **({"sheet": sheet_name} if sheet_name else {})},
        "notes": [as_written(line) for line in (*notes, *result.advice)],
        "faces": described,
    }
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    text = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)  # numbers in a line
    encoded = text.encode("utf-8", "backslashreplace")  # a name may hold bytes that are no text
    write_atomically(folder / f"{stem}.json", lambda file: file.write(encoded))
    return data


def photo_target(result: "PhotoResult", folder: Path, name: str, stem: str | None = None) -> tuple[Path, str]:
    """Where the enlarged photo goes and in which format: the photo's own where it can hold the result."""
    path = Path(name).with_stem(stem or Path(name).stem)
    format = KEPT.get(path.suffix.lower())
    too_long = format is not None and max(result.photo.size) > LONGEST.get(format, 1 << 31)
    if format is None or too_long or (format == "JPEG" and result.alpha is not None):
        return folder / f"{path.stem}.png", "PNG"
    return folder / path.name, format


def save_photo(result: "PhotoResult", target: Path, format: str | None = None) -> None:
    """The enlarged photo with its colour profile and metadata, its alpha where the format has one; grey as grey; 16
    bits a channel where the photo had as many and the format is PNG or TIFF."""
    format = format or KEPT.get(target.suffix.lower())
    if format is None:
        raise FacepriorError(f"{target}: expected an ending of {', '.join(KEPT)}")
    if max(result.photo.size) > LONGEST.get(format, 1 << 31):
        raise FacepriorError(f"{target}: {format} holds {LONGEST[format]} pixels a side at most; name a .png")
    icc = result.icc or _as_profile(result, format)
    scale, options = result.scale, {**SAVING[format], **({"icc_profile": icc} if icc else {})}
    deep = result.deep
    if deep is not None and format in DEEP:
        try:
            write_atomically(target, lambda file: save_deep(result, deep, file, format, options))
        except TooLarge as error:
            raise FacepriorError(f"{target}: {error}") from None
        return
    image = result.photo.convert("L") if result.mode == "L" else result.photo
    if result.alpha is not None and format == "JPEG":  # which has none
        image = Image.composite(image, Image.new(image.mode, image.size, "white"), result.alpha)
    elif result.alpha is not None:
        image = image.copy()
        image.putalpha(result.alpha)
    write_atomically(target, lambda file: result.metadata.save(image, file, format, scale, **options))


def _as_profile(result: "PhotoResult", format: str) -> bytes | None:
    """A PNG says by itself what its colours mean."""
    if format == "PNG":
        return None
    as_rgb = format == "WEBP" or (format == "TIFF" and result.deep is not None and result.alpha is not None)
    return profile_for(result.metadata.colours, grey=result.mode == "L" and not as_rgb)


def lost_in(result: "PhotoResult", format: str) -> list[str]:
    """Notes on what the photo's file said and a result of this format does not."""
    note = None if format == "PNG" or result.icc else said_of_lost(result.metadata.colours, format)
    return [note] if note else []


def describe_face(face: "PhotoFace") -> dict[str, Any]:
    """One entry of the JSON. Positions in pixels of the photo, centres at whole numbers; boxes by edges."""
    entry: dict[str, Any] = {
        "number": face.number,
        "status": face.status,
        "box": _rounded(face.detection.box),
        "score": round(face.detection.score, 4),
        "size": round(face.size, 2),
    }
    if face.detail is not None:
        entry["detail"] = round(face.detail, 2)
    if face.reason:
        entry["reason"] = face.reason
    if face.detection.points is not None:
        entry["points"] = [_rounded(p) for p in face.detection.points]
    if face.detection.turn:
        entry["turn"] = face.detection.turn
    if face.transform is not None and np.isfinite(face.transform).all():
        entry["cut"] = {"centre": _rounded(face.frame.centre), "side": round(face.size, 2), "angle": face.frame.angle}
        entry["transform"] = [[round(float(v), 5) for v in row] for row in face.transform]
        if face.restored:
            angle, scale, tx, ty = (float(v) for v in similarity_parameters(face.transform))
            entry["alignment"] = {
                "angle": round(angle, 2),
                "scale": round(scale, 4),
                "shift": [round(tx, 4), round(ty, 4)],
            }
    if face.network is not None:
        entry["network"] = face.network
    if face.restored and face.softness is not None:
        entry["softness"] = face.softness.to_dict()
    if face.restored:
        entry["components"] = {
            c.name: {
                "visible": c.visible,
                "peak": round(c.peak, 3),
                "position": None if c.position is None else _rounded(c.position),
            }
            for c in face.components
        }
        db = face.lr_consistency
        entry["lr_consistency_db"] = None if db is None or not np.isfinite(db) else round(db, 2)
    return entry


def _write_face(face: "PhotoFace", folder: Path, stem: str) -> dict[str, str]:
    pictures = {
        "image": (f"{face.number:02d}.png", face.image),
        "lr": (f"{face.number:02d}.lr.png", face.lr),
        "heatmap": (f"{face.number:02d}.heatmap.png", overlay(face.image, face.heatmaps)),
    }
    (folder / stem).mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.values():
        picture = Image.fromarray(pixels)
        write_atomically(
            folder / stem / name, lambda file, picture=picture: picture.save(file, "PNG", **SAVING["PNG"])
        )
    return {kind: f"{stem}/{name}" for kind, (name, _) in pictures.items()}


def _rounded(values: Any) -> list[float]:
    return [round(float(v), 2) for v in values]
