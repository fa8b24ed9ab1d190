"""A run's folder, taken: its lock, and the checkpoint to go on from."""

import json
import tomllib
from pathlib import Path

import tomli_w

from ..errors import FacepriorError
from .checkpoint import Checkpoints
from .config import TrainConfig
from .lock import RunLock


def open_folder(
    folder: Path, config: TrainConfig, checkpoints: Checkpoints, *, resume: bool
) -> tuple[RunLock, tuple[Path, dict] | None]:
    """-> the run's lock, and its last checkpoint where there is one. Without `resume` those are deleted.

    FacepriorError where the folder is not usable, in use, or holds a run of another configuration.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = RunLock(folder)
    except OSError as error:
        raise FacepriorError(f"{folder}: not usable as a run folder: {error.strerror}") from None
    try:
        checkpoints.sweep()
        if not resume:
            for path in checkpoints.list():
                path.unlink()
            (folder / "metrics.jsonl").unlink(missing_ok=True)
        saved = checkpoints.load()
        if saved is None and checkpoints.list():
            raise FacepriorError(f"{checkpoints.folder}: no checkpoint is whole; start anew with --no-resume")
        if saved is not None:
            _check_same(saved, config, folder)
        if saved is None and resume and (model := folder / "model.safetensors").exists():
            raise FacepriorError(
                f"{model}: is there, and no checkpoint to go on from; another folder, or --no-resume to replace it"
            )
        _keep_written(folder / "config.toml")
        config.save(folder / "config.toml")
    except BaseException:
        lock.release()
        raise
    return lock, saved


def _keep_written(path: Path) -> None:
    """A configuration that somebody wrote (with notes, or over another one) is put beside, not replaced."""
    try:
        text = path.read_text("utf-8")
        tree = tomllib.loads(text)
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError):
        tree = None
    if tree is None or "extends" in tree or tomli_w.dumps(tree) != text:
        names = ("config.before.toml", *(f"config.before-{i}.toml" for i in range(2, 100)))
        free = next(name for name in names if not path.with_name(name).exists())
        path.rename(path.with_name(free))


def _check_same(saved: tuple[Path, dict], config: TrainConfig, folder: Path) -> None:
    try:
        before = TrainConfig.model_validate(json.loads(saved[1]["config"]))
    except (ValueError, KeyError, TypeError):  # pydantic's is a ValueError
        raise FacepriorError(f"{saved[0]}: from another version of faceprior; --no-resume starts anew") from None
    if keys := config.differences(before):
        raise FacepriorError(
            f"{folder}: holds a run of another configuration ({', '.join(keys)} differ); "
            "choose another folder, or --no-resume to start anew"
        )
