"""Checkpoints that a kill at any moment cannot break.

A checkpoint is written beside its place under another name, forced to the disk and renamed to
`checkpoints/step-00001234.ckpt`; only then are checkpoints older than the newest two removed. So the newest
complete one is always whole. The file is PyTorch's zip archive; it is read with `weights_only=True` (tensors
and plain values, no code), after its checksums: PyTorch itself does not check them.

The random states need no place in it: every draw is seeded by (seed, purpose, step, rank), see `sampler.py`.
"""

import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

FORMAT = 1
KEEP = 2
_NAME = re.compile(r"step-(\d{8,})\.ckpt")


class Checkpoints:
    def __init__(self, folder: Path, report: Callable[[str], None] = print):
        self.folder, self.report = folder, report

    def list(self) -> list[Path]:
        """Newest first."""
        found = self.folder.glob("step-*.ckpt") if self.folder.is_dir() else ()
        named = [(int(match[1]), path) for path in found if (match := _NAME.fullmatch(path.name))]
        return [path for _, path in sorted(named, reverse=True)]

    def save(self, state: dict[str, Any]) -> Path:
        """Write `state`, which holds its "step". Raises OSError (a full disk) with nothing half-written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{state['step']:08d}.ckpt"
        temporary = self.folder / f".{path.name}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                torch.save({"format": FORMAT, **state}, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except RuntimeError as error:
            raise _cause(error) from None
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(self.folder)
        for old in self.list()[KEEP:]:
            old.unlink(missing_ok=True)
        return path

    def load(self) -> tuple[Path, dict[str, Any]] | None:
        """The newest checkpoint that is whole, or None where there is none; damaged ones are named."""
        for path in self.list():
            try:
                return path, read(path)
            except (OSError, ValueError) as error:
                self.report(f"checkpoint {path.name} is damaged ({_line(error)}); trying the one before")
        return None

    def sweep(self) -> None:
        """Remove what a killed writer left behind. Only under the run's lock."""
        for path in self.folder.glob(".step-*.tmp") if self.folder.is_dir() else ():
            path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """A checkpoint's contents, on the CPU. ValueError where it is damaged or not a checkpoint."""
    try:
        with zipfile.ZipFile(path) as archive:
            if (broken := archive.testzip()) is not None:
                raise ValueError(f"checksum of {broken} does not match")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise ValueError(_line(error)) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"not a checkpoint of format {FORMAT}")
    return state


def _cause(error: BaseException) -> OSError:
    """PyTorch's writer covers the OSError of a full disk with an error of its own."""
    covering: BaseException | None = error
    while covering is not None:
        if isinstance(covering, OSError):
            return covering
        covering = covering.__cause__ or covering.__context__
    return OSError(_line(error))


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
