"""Faces for the tests: drawn ones on a fresh clone, real ones where FACEPRIOR_DATA names the folder of the tars.

FACEPRIOR_DATA holds celeba.tar, allage.tar, pts.tar, utkface.tar and vectors.npz; tests that need it carry the
mark `data` and are skipped without it.
"""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from drawn_faces import draw_folder


@pytest.fixture(scope="session")
def tiny_shards(tmp_path_factory) -> Path:
    """A folder that `faceprior prepare` wrote: 24 train, 6 val and 8 test faces, drawn, of 38 persons."""
    from faceprior.dataset.prepare import prepare

    folder = tmp_path_factory.mktemp("tiny")
    draw_folder(folder / "drawn", {"train": 24, "val": 6, "test": 8})
    prepare([folder / "drawn"], folder / "shards", workers=1)
    return folder / "shards"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of the real data, as FACEPRIOR_DATA names it."""
    named = os.environ.get("FACEPRIOR_DATA")
    if not named:
        pytest.skip("FACEPRIOR_DATA is not set")
    return Path(named)


@pytest.fixture(scope="session")
def vectors(data_folder) -> dict[str, np.ndarray]:
    """The conformance vectors of the crop and the LR."""
    with np.load(data_folder / "vectors.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def real_faces(data_folder, vectors, tmp_path_factory) -> Path:
    """A folder with `helen/` (the conformance faces and some more) and `ytf/` (some), images with .pts."""
    folder = tmp_path_factory.mktemp("real")
    needed = {str(Path(name).with_suffix("")) for name in vectors["files"]}
    with tarfile.open(data_folder / "pts.tar") as tar:
        members = [m for m in tar.getmembers() if m.isfile()]
        for source, count in (("helen", 20), ("ytf", 20)):
            stems = sorted({m.name.rsplit(".", 1)[0] for m in members if m.name.startswith(f"{source}/")})
            needed.update(stems[:: max(1, len(stems) // count)])
        tar.extractall(folder, [m for m in members if m.name.rsplit(".", 1)[0] in needed], filter="data")
    return folder


@pytest.fixture(scope="session")
def web_server():
    """`faceprior serve`, running; started once for every test of the page."""
    from web_server import MAX_PIXELS, MAX_UPLOAD, WebServer

    flags = ("--max-upload", MAX_UPLOAD, "--max-pixels", MAX_PIXELS, "--timeout", 60, "--queue", 3)
    with WebServer(*flags) as running:
        yield running
