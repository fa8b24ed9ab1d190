"""A folder on a local disk, in an object store, or wherever fsspec reaches: list, read, write.

Local paths, file://, s3://, gs:// and abfs:// are PyArrow's own file systems; any other scheme is fsspec's.
"""

import os
import re
import secrets
import threading
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs as pafs

from ..errors import FacepriorError

LARGEST = 2 << 30  # bytes of an image: a file is read whole into memory


class Entry(NamedTuple):
    """One name of a folder. size: bytes; modified: ns since 1970, 0 where the store does not say."""

    name: str
    folder: bool
    size: int = 0
    modified: int = 0


def is_uri(text: str) -> bool:
    """Whether this is `scheme://...` (also fsspec's chains, as in zip://a::file://b.zip) rather than a path."""
    return "://" in text


@dataclass(frozen=True)
class Place:
    """A folder and everything below it; names are relative to it, with slashes. Pickled as its text."""

    text: str

    def __post_init__(self) -> None:
        if not is_uri(self.text):  # a worker's current folder is another one
            object.__setattr__(self, "text", os.path.abspath(self.text))  # noqa: PTH100  keeps links as named

    @property
    def _opened(self) -> tuple[pafs.FileSystem, str, bool]:
        return _open(self.text)

    def _path(self, name: str) -> str:
        root = self._opened[1]
        return f"{root.rstrip('/')}/{name}" if name else root

    def shown(self, name: str = "") -> str:
        """How a user is told of a file here: without keys, nor a query, which may hold some."""
        base = self.text.split("?", 1)[0] if is_uri(self.text) and "::" not in self.text else self.text
        base = re.sub(r"(?<=://)[^/@]*:[^/@]*@", "", base)
        return f"{base.rstrip('/')}/{name}" if name else base

    @property
    def local(self) -> Path | None:
        """As a path of this machine, where it is one."""
        fs, root, _ = self._opened
        return Path(root) if isinstance(fs, pafs.LocalFileSystem) else None

    def kind(self, name: str = "") -> str:
        """ "file", "folder", "other" (pipes, devices) or "none"."""
        kind = self._opened[0].get_file_info(self._path(name)).type
        return {pafs.FileType.File: "file", pafs.FileType.Directory: "folder", pafs.FileType.NotFound: "none"}.get(
            kind, "other"
        )

    def stat(self, names: Iterable[str]) -> list[Entry | None]:
        """An entry for each name; None where there is no file of that name. Asked side by side."""
        found = self._opened[0].get_file_info([self._path(name) for name in names])
        return [_entry(info) if info.type == pafs.FileType.File else None for info in found]

    def list(self, folder: str = "") -> list[Entry]:
        """The files and folders directly below, sorted; empty where there is no such folder."""
        if (local := self.local) is not None:
            return _scan(local / folder)
        selector = pafs.FileSelector(self._path(folder), allow_not_found=True)
        kinds = (pafs.FileType.File, pafs.FileType.Directory)
        return sorted(_entry(info) for info in self._opened[0].get_file_info(selector) if info.type in kinds)

    def read(self, name: str) -> bytes:
        # fsspec's archives (zip://, tar://) hold one open file and promise no thread safety.
        alone = _ARCHIVE if "::" in self.text else nullcontext()
        with alone, self._opened[0].open_input_file(self._path(name)) as file:
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        """The file is there whole or not at all: one put in a store, else written beside and renamed."""
        fs, _, puts = self._opened
        path = self._path(name)
        if puts:
            with fs.open_output_stream(path) as file:
                file.write(data)
            return
        folder = path.rpartition("/")[0]
        _make_folder(self.text, folder)
        beside = f"{folder}/.{os.getpid()}-{secrets.token_hex(4)}.part"
        try:
            with fs.open_output_stream(beside) as file:
                file.write(data)
            fs.move(beside, path)
        except BaseException:
            if fs.get_file_info(beside).type != pafs.FileType.NotFound:
                fs.delete_file(beside)
            raise

    def delete(self, name: str) -> None:
        """Gone afterwards, whether or not it was there."""
        try:
            self._opened[0].delete_file(self._path(name))
        except FileNotFoundError:
            pass
        except OSError:
            if self.kind(name) != "none":
                raise

    def clear(self, folder: str) -> None:
        """Everything below `folder` gone."""
        self._opened[0].delete_dir_contents(self._path(folder), missing_dir_ok=True)


_OPENING = threading.Lock()
_ARCHIVE = threading.Lock()

# Stores that show a new object only when its upload has ended.
_STORES = (pafs.S3FileSystem, pafs.GcsFileSystem, pafs.AzureFileSystem)
_FSSPEC_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"})


def _open(text: str) -> tuple[pafs.FileSystem, str, bool]:
    """As `_opened_once`; of threads that come first at the same time one makes it, since fsspec's archives close their
    file when a second instance is thrown away."""
    with _OPENING:
        return _opened_once(text)


@cache
def _opened_once(text: str) -> tuple[pafs.FileSystem, str, bool]:
    """-> the file system, the path in it, and whether it is a store whose puts are atomic."""
    try:
        if not is_uri(text):
            return pafs.LocalFileSystem(), text, False
        if "::" in text:
            return _fsspec(text)
        if text.startswith("s3://"):
            # Small objects in one request; otherwise PyArrow takes three (begin, part, end), each billed as a put.
            delayed = f"{text}{'&' if '?' in text else '?'}allow_delayed_open=true"
            try:
                return *pafs.FileSystem.from_uri(delayed), True
            except pa.ArrowInvalid:  # an older PyArrow
                pass
        try:
            fs, path = pafs.FileSystem.from_uri(text)
        except pa.ArrowInvalid:
            return _fsspec(text)
        return fs, path, isinstance(fs, _STORES)
    except FacepriorError:
        raise
    except Exception as error:  # each library has its own
        raise FacepriorError(f"{text}: cannot be opened ({reason(error)})") from None


def _fsspec(text: str) -> tuple[pafs.FileSystem, str, bool]:
    import fsspec

    fs, path = fsspec.core.url_to_fs(text)
    scheme = urlsplit(text.split("::")[0]).scheme
    return pafs.PyFileSystem(pafs.FSSpecHandler(fs)), path, scheme in _FSSPEC_STORES


@cache
def _make_folder(text: str, folder: str) -> None:
    _open(text)[0].create_dir(folder, recursive=True)


def _entry(info: pafs.FileInfo) -> Entry:
    return Entry(info.base_name, info.type == pafs.FileType.Directory, info.size or 0, info.mtime_ns or 0)


def _scan(folder: Path) -> list[Entry]:
    """A local folder. PyArrow would stop at a name that is no UTF-8; here it shows, escaped as Python does."""
    entries = []
    try:
        with os.scandir(folder) as found:
            for item in found:
                if item.is_dir(follow_symlinks=False):  # links to folders may lead round in circles
                    entries.append(Entry(item.name, True))
                elif item.is_file():
                    stat = item.stat()
                    entries.append(Entry(item.name, False, stat.st_size, stat.st_mtime_ns))
    except FileNotFoundError:
        return []
    return sorted(entries)


def reason(error: BaseException) -> str:
    """What went wrong, in a line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:300] or type(error).__name__
