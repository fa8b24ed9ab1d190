"""Faces for the tests: drawn ones on a fresh clone, real ones where FACEPRIOR_DATA names their folder.

FACEPRIOR_DATA holds helen.zip, ytf.zip (each a folder for `prepare`) and vectors.npz; tests that need it carry the mark
`data` and are skipped without it.
"""

import os
import zipfile

if "PYTEST_XDIST_WORKER" in os.environ:  # a thread each, before anything counts the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from drawn_faces import draw_folder
from PIL import Image

# The files that take minutes, first: the others fill what time the other processes then have.
LONG = (
    "test_web_flood", "test_train_launchers", "test_reproduce_ablations", "test_benchmarks", "test_train", "test_web",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session")
def tiny_shards(tmp_path_factory) -> Path:
    """A folder that `faceprior prepare` wrote: 24 train, 6 val and 8 test faces, drawn, of 38 persons."""
    from faceprior.dataset.prepare import prepare

    folder = tmp_path_factory.mktemp("tiny")
    draw_folder(folder / "drawn", {"train": 24, "val": 6, "test": 8})
    prepare([folder / "drawn"], folder / "shards", workers=1)
    return folder / "shards"


@pytest.fixture(scope="session")
def group() -> Image.Image:
    """The packaged group portrait, 510x402."""
    return Image.open(files("faceprior") / "assets/astronauts.jpg").convert("RGB")


@pytest.fixture(scope="session")
def small(group) -> np.ndarray:
    """The same halved, as photos are: nobody sharpened or compressed it."""
    return np.asarray(group.resize((group.width // 2, group.height // 2), Image.Resampling.BICUBIC))


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
def vector_faces(vectors, tmp_path_factory) -> Path:
    """A folder `vectors/` for `prepare`: the conformance faces as files, in their order, and their landmark table."""
    folder = tmp_path_factory.mktemp("faces") / "vectors"
    folder.mkdir()
    header = ["image", *(f"{axis}{i}" for i in range(68) for axis in "xy"), *(f"v{i}" for i in range(68))]
    lines = [",".join(header)]
    for i, image in enumerate(vectors["image"]):
        height, width = vectors["size"][i]
        Image.fromarray(image[:height, :width]).save(folder / f"face{i:02d}.png")
        numbers = [*vectors["landmarks"][i].ravel(), *vectors["visible"][i].astype(int)]
        lines.append(",".join([f"face{i:02d}.png", *map(str, numbers)]))
    (folder / "landmarks68.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def real_faces(data_folder, tmp_path_factory) -> Path:
    """A folder with `helen/` and `ytf/`, some faces of each: AVIF and a landmark table."""
    folder = tmp_path_factory.mktemp("real")
    for source in ("helen", "ytf"):
        (folder / source).mkdir()
        with zipfile.ZipFile(data_folder / f"{source}.zip") as archive:
            header, *rows = archive.read(f"{source}/landmarks68.csv").decode().splitlines()
            rows = rows[:: len(rows) // 24]
            (folder / source / "landmarks68.csv").write_text("\n".join([header, *rows]) + "\n")
            for row in rows:
                archive.extract(f"{source}/{row.split(',')[0]}", folder)
    return folder


@pytest.fixture(scope="session")
def web_server():
    """`faceprior serve`, running; started once for every test of the page."""
    from web_server import MAX_PIXELS, MAX_UPLOAD, WebServer

    flags = ("--max-upload", MAX_UPLOAD, "--max-pixels", MAX_PIXELS, "--timeout", 60, "--queue", 3)
    with WebServer(*flags) as running:
        yield running
