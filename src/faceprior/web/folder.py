"""The server's own folder: uploads and results, private, emptied by age and removed at the end."""

import shutil
import tempfile
import threading
import time
from pathlib import Path


class PrivateFolder:
    """As a context manager; a thread looks through it and removes files older than `keep` seconds."""

    def __init__(self, keep: float):
        self.keep = keep
        self.path = Path(tempfile.mkdtemp(prefix="faceprior-web-")).resolve()  # only this user may enter
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="faceprior-sweep", daemon=True)

    def new(self) -> Path:
        """A folder for one result; its name cannot be guessed."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def holds(self, path: str) -> bool:
        try:
            return Path(path).resolve().is_relative_to(self.path)
        except (ValueError, OSError, RuntimeError):  # a zero byte, half of a surrogate pair; links in a circle
            return False

    def sweep(self, older_than: float) -> None:
        """Remove what was last written more than `older_than` seconds ago, and folders left empty."""
        limit = time.time() - older_than
        for path in sorted(self.path.rglob("*"), reverse=True):  # what lies deeper comes first
            try:
                if path.lstat().st_mtime <= limit:
                    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            except OSError:
                continue  # not empty, or gone meanwhile

    def _watch(self) -> None:
        while not self._stop.wait(min(30.0, self.keep / 4)):
            self.sweep(self.keep)

    def __enter__(self) -> "PrivateFolder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        shutil.rmtree(self.path, ignore_errors=True)
