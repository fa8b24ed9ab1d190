"""The packaged models: a registry with hashes, `assets/models.json`.

{"format": 1, "default": NAME, "models": {NAME: {"file": ..., "sha256": ..., "description": ...,
 "safetensors": {"file": ..., "sha256": ...}, # where the weights for PyTorch are packaged too
 "larger": NAME                               # the model for larger faces, where there is one
}}, "canvas": {"file": ..., "sha256": ..., "description": ...}}
"""

import hashlib
import json
import stat
from dataclasses import dataclass
from pathlib import Path

from ..errors import FacepriorError
from ..seal import is_broken

ASSETS = Path(__file__).resolve().parent.parent / "assets"
REGISTRY = "models.json"


@dataclass(frozen=True)
class PackagedModel:
    name: str
    description: str
    file: str  #    in assets/, ONNX
    sha256: str
    safetensors: tuple[str, str] | None = None  # file and sha256
    larger: str | None = None  #                   the packaged model for larger faces


def registry(assets: Path = ASSETS) -> tuple[dict[str, PackagedModel], str | None]:
    """The packaged models by name, and the default's name. Empty where none is packaged."""
    path = assets / REGISTRY
    try:
        table = json.loads(path.read_text("utf-8"))
        models = {}
        for name, entry in table["models"].items():
            torch = entry.get("safetensors")
            models[name] = PackagedModel(
                name,
                entry["description"],
                entry["file"],
                entry["sha256"],
                (torch["file"], torch["sha256"]) if torch else None,
                entry.get("larger"),
            )
        return models, table.get("default")
    except FileNotFoundError:
        return {}, None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FacepriorError(f"{path}: damaged list of models ({error!r}); reinstall faceprior") from None


def canvas_entry(assets: Path = ASSETS) -> PackagedModel | None:
    """The packaged network for a photo's canvas, or None where a build has none: "canvas" beside "models"."""
    path = assets / REGISTRY
    try:
        entry = json.loads(path.read_text("utf-8")).get("canvas")
        return entry and PackagedModel("canvas", entry["description"], entry["file"], entry["sha256"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FacepriorError(f"{path}: damaged list of models ({error!r}); reinstall faceprior") from None


def packaged(name: str | None, assets: Path = ASSETS) -> PackagedModel:
    """A packaged model by name; None or "default" is the default one."""
    models, default = registry(assets)
    if not models:
        raise FacepriorError("no weights are packaged with this build of faceprior; give a model file by its path")
    if name is None or (name == "default" and name not in models):
        name = default
    if name not in models:
        raise FacepriorError(f"model {name!r}: no such file and no packaged model; packaged: {', '.join(models)}")
    return models[name]


def read_checked(path: Path, sha256: str | None = None) -> tuple[bytes, str]:
    """A file's bytes and their SHA-256. FacepriorError where it cannot be read or is not the expected file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a device may have no end
            raise FacepriorError(f"{path}: is not a file")
        data = path.read_bytes()
    except ValueError:  # a zero byte, half of a surrogate pair
        raise FacepriorError(f"{path}: no name that a file can have") from None
    except FileNotFoundError:
        raise FacepriorError(f"{path}: no such weights file") from None
    except OSError as error:
        raise FacepriorError(f"{path}: {error.strerror or error}") from None
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise FacepriorError(
            f"{path}: expected SHA-256 {sha256[:16]}..., got {found[:16]}... in {len(data):,} bytes; "
            "damaged or replaced, reinstall faceprior"
        )
    if sha256 is None and path.suffix == ".onnx" and is_broken(data):
        raise FacepriorError(
            f"{path}: expected the SHA-256 that it carries; damaged: copy or export it again (if you changed it "
            "yourself, remove faceprior.sha256 from its metadata)"
        )
    return data, found
