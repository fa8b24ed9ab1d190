"""Odd sources and outputs of `prepare`: one bad landmark, row or name costs itself alone."""

import csv
import os
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
from drawn_faces import draw_face, draw_folder, turned_face, write_pts

from faceprior.dataset import prepare as module
from faceprior.dataset.layouts import Skip
from faceprior.dataset.prepare import PrepareOptions, prepare
from faceprior.dataset.shards import SPLITS, read_manifest, read_split
from faceprior.errors import FacepriorError

HEADER = ["image", *(f"{axis}{i}" for i in range(68) for axis in "xy")]


def report(out: Path) -> dict[str, str]:
    with (out / "report.csv").open() as file:
        return {row["name"]: row["reason"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("point", "x", "reason"),
    [
        (3, 5000.0, "far from the face"),  # of the jaw: the frame does not depend on it
        (36, 1e5, "far from the face"),  # of an eye: the frame grows with it
        (36, -3e4, "far from the face"),
        (3, 1e300, "outside any image"),
        (36, 1e300, "outside any image"),
    ],
)
def test_one_landmark_far_away_is_one_skipped_face(point, x, reason, tmp_path, recwarn):
    draw_folder(tmp_path / "source", {"train": 1})
    landmarks = turned_face()
    draw_face(landmarks).save(tmp_path / "source" / "wide.png")
    landmarks[point, 0] = x
    write_pts(tmp_path / "source" / "wide.pts", landmarks)
    out = tmp_path / "out"
    assert prepare([tmp_path / "source"], out, workers=1).total == 1
    assert reason in report(out)["wide.png"]
    assert sum(len(table) for split in SPLITS for table in read_split(out, split)) == 1  # the reader takes it
    assert not recwarn.list


def test_a_second_row_of_an_image_is_said(tmp_path):
    folder = tmp_path / "t"
    folder.mkdir()
    draw_face(turned_face()).save(folder / "two.png")
    with (folder / "landmarks.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *(["two.png", *(turned_face() + shift).ravel()] for shift in (0, 3))])
    summary = prepare([folder], tmp_path / "out", workers=1)
    assert summary.total == 1
    assert report(tmp_path / "out") == {"two.png": "an earlier row of an image that has another"}


@pytest.mark.parametrize("name", ["landmarks.csv", "identity.csv"])
def test_a_table_that_csv_refuses_is_named(name, tmp_path):
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "landmarks.csv").write_text(",".join(HEADER) + "\n")
    with (folder / name).open("a") as file:
        file.write('image,"' + "x" * 200_000 + '"\n')
    with pytest.raises(FacepriorError, match=rf"{name}: cannot be read as a text table \(field larger"):
        prepare([folder], tmp_path / "out", workers=1)


def test_a_source_whose_name_is_no_text(tmp_path):
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/s\xff"))
    draw_folder(tmp_path / "drawn", {"train": 1})
    try:
        (tmp_path / "drawn").rename(source)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    write_pts(source / "lonely.pts", turned_face())
    prepare([source], tmp_path / "out", PrepareOptions(test_sources=("s\\xff",)), workers=1)
    manifest = read_manifest(tmp_path / "out")
    assert manifest["faces"]["test"] == {"s\\xff": 1}
    assert manifest["skipped"] == {"s\\xff": {"no image": 1}}


def test_the_folder_that_a_link_leads_to_is_filled(tmp_path, monkeypatch):
    draw_folder(tmp_path / "source", {"train": 1})
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    prepare([tmp_path / "source"], tmp_path / "out", workers=1)
    assert (tmp_path / "out").is_symlink() and read_manifest(tmp_path / "disk")
    prepare([tmp_path / "source"], tmp_path / "out", workers=1, overwrite=True)
    assert (tmp_path / "out").is_symlink() and read_manifest(tmp_path / "disk")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    prepare([tmp_path / "source"], Path(), workers=1)
    assert read_manifest(tmp_path / "here")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["disk", "here", "out", "source"]


def test_a_mounted_folder_is_refused_before_the_work(tmp_path, monkeypatch):
    draw_folder(tmp_path / "source", {"train": 1})
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(module.os.path, "ismount", lambda path: Path(path).name == "out")
    monkeypatch.setattr(module, "make_row", lambda *_: pytest.fail("worked before it was refused"))
    with pytest.raises(FacepriorError, match=r"out: a mounted file system.*inside it"):
        prepare([tmp_path / "source"], tmp_path / "out", workers=1)


class Pool:
    """A pool of processes of which one is killed at once, and what it saw."""

    def __init__(self, *_, **__):
        self.handlers = set()
        pools.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, *_):
        self.handlers.add(signal.getsignal(signal.SIGINT))
        future = Future()
        future.set_exception(BrokenProcessPool())
        return future


pools: list[Pool] = []


def test_a_killed_worker_is_one_line_and_ctrl_c_is_for_the_parent(monkeypatch):
    monkeypatch.setattr(module, "ProcessPoolExecutor", Pool)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(FacepriorError, match=r"a worker was killed.*fewer --workers"):
        list(module._made([Skip("s", f"{i}", "none") for i in range(70)], 40, 2))
    assert pools[-1].handlers == {signal.SIG_IGN}  # processes inherit it
    assert signal.getsignal(signal.SIGINT) is before


def test_real_faces_at_the_edge_stay(tmp_path):
    """A face whose frame is much wider than its photo is no fault."""
    landmarks = turned_face(scale=66, centre=(75, 75))
    (tmp_path / "source").mkdir()
    draw_face(landmarks, (150, 165)).save(tmp_path / "source" / "close.png")
    write_pts(tmp_path / "source" / "close.pts", landmarks)
    assert np.ptp(landmarks, 0).max() > 120
    assert prepare([tmp_path / "source"], tmp_path / "out", workers=1).total == 1
