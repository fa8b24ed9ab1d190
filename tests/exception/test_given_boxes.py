"""Faces that a caller brings, as boxes, as `Detection`s or by a function of his own: each is checked."""

import json
import os
import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image
from random_models import small_onnx
from textures import texture

import faceprior
from faceprior import Detection, FacepriorError
from faceprior.photo.batch import upscale_photos
from faceprior.photo.boxes import read_boxes
from faceprior.photo.options import PhotoOptions
from faceprior.photo.targets import Job

resource = pytest.importorskip("resource", reason="Windows does not tell the peak of memory so")

BOX = (20, 20, 24, 24)
NAN = float("nan")


@pytest.fixture(scope="module")
def model():
    return faceprior.load(small_onnx(), threads=1)


def upscaled(model, **keywords):
    return faceprior.upscale(texture(64, 80, seed=3), model=model, canvas="lanczos", scale=1, **keywords)


@pytest.mark.parametrize(
    "face",
    [
        Detection((NAN, 0, 10, 10)),
        Detection((0, 0, -5, 5)),
        Detection((0, 0, 0, 0)),
        Detection((0, 0, 30)),
        Detection(None),
        Detection((0, 0, 1e9, 1e9)),
        Detection(BOX, score=None),
        Detection(BOX, score=NAN),
        Detection(BOX, turn=None),
        Detection(BOX, points=((1, 2),)),
        {"box": BOX, "score": NAN},
        {"box": BOX, "score": float("inf")},
    ],
    ids=repr,
)
def test_what_is_no_face_is_refused(face, model):
    for given, name in (({"boxes": [face]}, "boxes"), ({"detector": lambda rgb: [face]}, "detector")):
        with pytest.raises(FacepriorError, match=rf"^{name}: a box is \[x, y, width, height\]"):
            upscaled(model, **given)


@pytest.mark.parametrize("found", [None, 5, [None], "x"], ids=repr)
def test_a_detector_that_gives_no_faces(found, model):
    with pytest.raises(FacepriorError, match=r"^detector: a box is"):
        upscaled(model, detector=lambda rgb: found)


@pytest.mark.parametrize(
    "found", [[BOX], np.array([BOX]), [{"box": BOX}], (Detection(BOX),), iter([Detection(np.array(BOX), turn=4)])]
)
def test_a_detector_may_give_what_boxes_takes(found, model):
    (face,) = upscaled(model, detector=lambda rgb: found).faces
    assert face.detection == Detection(BOX)


def test_the_score_of_a_file_is_a_number(model, tmp_path):
    """JSON has no NaN, Python's reads one: the result's JSON failed on it, after all of the work."""
    (tmp_path / "boxes.json").write_text('[{"box": [20, 20, 24, 24], "score": NaN}]')
    with pytest.raises(FacepriorError, match=r"boxes\.json: a box is .* nan"):
        read_boxes(tmp_path / "boxes.json")


def test_a_file_of_boxes_that_begins_with_a_mark(tmp_path):
    (tmp_path / "boxes.json").write_bytes(b"\xef\xbb\xbf" + json.dumps([BOX]).encode())
    assert read_boxes(tmp_path / "boxes.json") == [Detection(BOX)]


def test_a_file_of_boxes_that_no_file_can_be(model):
    with pytest.raises(FacepriorError, match="cannot read boxes"):
        upscaled(model, boxes="a\0b.json")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is in KiB on Linux")
@pytest.mark.parametrize("box", [(0, 0, 4e4, 4e4), (-4e4, -4e4, 4e4, 4e4), (1e6, 1e6, 4e4, 4e4)], ids=repr)
def test_a_box_far_larger_than_the_photo_takes_no_memory(box, model):
    """Its square was laid out with every pixel: 2 GB here, and a box of 10^5 pixels ended the server."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = upscaled(model, boxes=[box, BOX], max_size=1e9)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert "larger than the photo" in [face.reason.split(":")[0] for face in result.faces if face.reason]
    assert len(result.faces) == 2


def test_a_box_of_the_whole_photo_is_not_too_large(model):
    (face,) = upscaled(model, boxes=[(0, 0, 80, 64)], max_size=1e9).faces
    assert not (face.reason or "").startswith("larger")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_boxes_of_several_photos_through_a_pipe(model, tmp_path):
    photos = [tmp_path / "a.png", tmp_path / "b.png"]
    for photo in photos:
        Image.fromarray(texture(64, 80, seed=3)).save(photo)
    pipe = tmp_path / "boxes"
    os.mkfifo(pipe)
    Thread(target=lambda: pipe.write_text(json.dumps([BOX])), daemon=True).start()
    jobs, options = [Job(photo, Path(), photo.stem) for photo in photos], PhotoOptions(1, canvas="lanczos")
    done = upscale_photos(jobs, tmp_path / "out", model, None, options, boxes=pipe)
    assert not done.failed
    assert [json.loads((tmp_path / "out" / f"{job.stem}.json").read_text())["faces"] for job in jobs]
