"""`PhotoResult.save`: the files that `faceprior upscale` writes, from Python."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FacepriorError
from ..files import can_be_named
from .targets import Job, check_targets, own_stem
from .words import in_python
from .write import write_photo

if TYPE_CHECKING:
    from .result import PhotoResult


def save_result(
    result: "PhotoResult", folder: Path, name: str | None, *, sheet: bool, faces: bool, overwrite: bool
) -> Path:
    """-> the enlarged photo's file. See `PhotoResult.save`."""
    given, name = name, name or (result.source.name if result.source is not None else "photo.png")
    if Path(name).name != name or name == "..":
        raise FacepriorError(f"name {name!r}: expected a file's name without a folder, as party.jpg")
    if not can_be_named(folder / name):
        raise FacepriorError(f"{folder / name}: no name that a file can have")
    stem = own_stem(name)
    if given and len(stem) < len(Path(given).stem):  # a photo's own name is cut, as the command does
        raise FacepriorError(f"{folder / name}: File name too long for the endings that are added")
    with in_python():
        try:
            if folder.exists() and not folder.is_dir():
                raise FacepriorError(f"{folder}: is a file; give a folder")
            inputs = {result.source.resolve()} if result.source is not None else set()
            check_targets(Job(Path(name), Path(), stem), folder, inputs, overwrite)
            data = write_photo(result, folder, name, stem=stem, about=result.about, faces=faces, sheet=sheet)
        except OSError as error:
            raise FacepriorError(f"{folder}: {error.strerror or error}") from None
    return folder / data["files"]["photo"]
