"""What Python programs hand over by mistake: one line, as a FacepriorError; nothing of theirs is changed or lost."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_models import small_onnx
from textures import texture

import faceprior
from faceprior import FacepriorError

BOX = (20, 20, 24, 24)
LR = np.zeros((3, 16, 16, 3), np.uint8)
NAN = float("nan")


@pytest.fixture(autouse=True)
def every_cut_is_a_face(monkeypatch):
    """The random network's transforms are none of a face."""
    from faceprior.photo import pipeline

    monkeypatch.setattr(pipeline, "believable", lambda transform, trained=None: True)


@pytest.fixture(scope="module")
def model():
    return faceprior.load(small_onnx(), threads=1)


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "party.png"
    Image.fromarray(texture(64, 80, seed=3)).save(path)
    return path


def upscaled(photo, model, **keywords):
    keywords = {"boxes": [BOX], "canvas": "lanczos", "scale": 1, **keywords}
    return faceprior.upscale(photo, model=model, **keywords)


def refused(call, words: str) -> None:
    with pytest.raises(FacepriorError) as caught:
        call()
    assert words in str(caught.value) and "\n" not in str(caught.value)


class Named:
    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


class NoArray:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("on another\ndevice")


def test_a_picture_that_is_no_array(model):
    refused(lambda: model.restore([[1, 2], [3]]), "picture: cannot be read as an array")
    refused(lambda: model.restore(NoArray()), "picture: cannot be read as an array (on another device)")


def test_a_path_of_bytes(model, photo):
    """As `os.scandir(b".")` gives."""
    named = Named(os.fsencode(photo))
    assert np.array_equal(model.restore(named).image, model.restore(photo).image)
    assert upscaled(named, model).source == photo


@pytest.mark.parametrize(
    "given", [texture(64, 80, seed=3), texture(64, 80, seed=3)[..., 0], np.zeros((64, 80, 4), "u1")]
)
def test_an_array_that_is_filled_anew_changes_no_result(given, model):
    """A camera's buffer. A detector may write into what it gets, too."""

    def detector(rgb):
        rgb[:] = 0
        return []

    frame = given.copy()
    result = upscaled(frame, model)
    upscaled(frame, model, boxes=None, detector=detector)
    assert np.array_equal(frame, given)
    before = result.before.copy()
    frame[:] = 7
    assert np.array_equal(result.before, before)


def test_the_photo_is_never_written_over_from_another_folder(model, photo, monkeypatch):
    monkeypatch.chdir(photo.parent)
    result, kept = upscaled(photo.name, model), photo.read_bytes()
    (photo.parent / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    refused(lambda: result.save("..", overwrite=True), "is an input and would be overwritten")
    assert photo.read_bytes() == kept


@pytest.mark.parametrize("name", ["a\0.png", "\ud800.png", f"{'x' * 300}.png"], ids=["zero", "surrogate", "long"])
def test_names_that_no_file_can_have(name, model, photo, tmp_path):
    long = len(name) > 99
    words = "File name too long" if long else "no name that a file can have"
    refused(lambda: model.restore(photo).save(tmp_path / name), words)
    if not long:
        refused(lambda: upscaled(photo, model).save(tmp_path / "out", name), words)
    refused(lambda: faceprior.load(str(tmp_path / name.replace(".png", ".onnx"))), ".onnx: ")
    refused(lambda: faceprior.load(name.removesuffix(".png")), "no such file and no packaged model")
    refused(lambda: upscaled(photo, model, boxes=None, detector_weights=name), "no such file (detector_weights)")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [photo]


@pytest.mark.parametrize(
    ("name", "stem"), [(f"{'写' * 83}.png", "写" * 73), ("...png", "dots"), (f"{'a' * 250}.png", "a" * 220)], ids=len
)
def test_the_names_of_results(name, stem, model, photo, tmp_path):
    """Of a name that is too long for what is added to it the photo was written and nothing else; the faces of "...png"
    lay beside the folder, not in it."""
    source = photo.rename(photo.with_name(name))
    saved = upscaled(source, model).save(tmp_path / "out" / "here")
    assert saved == tmp_path / "out" / "here" / f"{stem}.png"
    assert {path.name for path in saved.parent.iterdir()} == {
        f"{stem}{end}" for end in (".png", ".sheet.png", ".json", "")
    }
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["here"]


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"scale": 10**400}, "scale: expected a number, got 1000"),
        ({"max_size": 10**400}, "max_size: expected a number, got 1000"),
        ({"faces": np.array(1)}, "faces: expected numbers from 1, as [1, 3], got array(1)"),
        ({"model": None, "threads": 2.5}, "threads: expected a whole number, got 2.5"),
        ({"threads": 0}, "threads: expected 1 to 1024, got 0"),
        ({"threads": np.array([2, 3])}, "threads: expected a whole number, got array([2, 3])"),
    ],
)
def test_numbers(keywords, words, model, photo):
    refused(lambda: upscaled(photo, **{"model": model, **keywords}), words)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"threads": "2"}, "threads: expected a whole number, got '2'"),
        ({"threads": 2.5}, "threads: expected a whole number, got 2.5"),
        ({"sharpness": "0.5"}, "sharpness: expected a number from 0 to 1, got '0.5'"),
        ({"sharpness": [0, 1]}, "sharpness: expected a number from 0 to 1, got [0, 1]"),
    ],
)
def test_numbers_of_load(keywords, words):
    """As out of an environment variable."""
    refused(lambda: faceprior.load(small_onnx(), **keywords), words)


@pytest.mark.parametrize("given", [{"threads": 0}, {"threads": 0, "detector": "embedded"}])
def test_threads_are_not_the_detectors_file(given, photo, monkeypatch):
    """It was said that $FACEPRIOR_DETECTOR_WEIGHTS was to blame."""
    monkeypatch.setenv("FACEPRIOR_DETECTOR_WEIGHTS", __file__)
    with pytest.raises(FacepriorError) as caught:
        faceprior.upscale(photo, model=small_onnx(), **given)
    assert str(caught.value) == "threads: expected 1 to 1024, got 0"
    from faceprior.photo.detect import make_detector

    with pytest.raises(FacepriorError) as caught:
        make_detector(threads=0)
    assert str(caught.value) == "threads: expected 1 to 1024, got 0"


@pytest.mark.parametrize("model", [123, b"standard", ["standard"], np.zeros(3)])
def test_what_is_no_model(model, photo):
    refused(lambda: faceprior.load(model), "model: expected a packaged model's name or a file, got ")
    refused(lambda: upscaled(photo, model), "model: expected a packaged model's name or a file, got ")


@pytest.mark.parametrize("name", ["backend", "device", "precision"])
def test_what_is_no_word(name, model, photo):
    for given in (["auto"], np.array(["auto", "f32"]), 5, None):
        words = f"{name} {given!r}: expected ".replace("\n", " ")
        refused(lambda given=given: faceprior.load(small_onnx(), **{name: given}), words)
        refused(lambda given=given: upscaled(photo, small_onnx(), **{name: given}), words)
        refused(lambda given=given: upscaled(photo, model, **{name: given}), words)


@pytest.mark.parametrize("weights", [5, b"yunet.onnx", ["yunet.onnx"]])
def test_what_is_no_file_of_a_detector(weights, model, photo):
    words = "detector_weights: expected a file, got"
    refused(lambda: upscaled(photo, model, boxes=None, detector_weights=weights), words)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"sharp": True}, "sharpness 1: the model is loaded at 0; give model.at(1)"),
        ({"sharpness": 0.5}, "sharpness 0.5: the model is loaded at 0; give model.at(0.5)"),
        ({"sharp": True, "sharpness": 0.5}, "sharp and sharpness: choose one"),
        ({"device": "cuda"}, "device 'cuda': the model is loaded already"),
        ({"backend": "torch"}, "backend 'torch': the model is loaded already"),
        ({"precision": "bf16"}, "precision 'bf16': the model is loaded already"),
        ({"cropped": True}, "boxes: is for photos; it does not go with cropped"),
        ({"boxes": ""}, "boxes: an empty name"),
        ({"boxes": None, "detector": "embedded", "detector_weights": "a.onnx"}, "detector_weights: are of YuNet"),
    ],
)
def test_what_contradicts_the_rest_of_the_call(keywords, words, model, photo):
    refused(lambda: upscaled(photo, model, **keywords), words)
    if "sharp" in words:
        refused(lambda: model.photo(photo, **keywords), words)


def test_what_agrees_with_a_loaded_model_is_taken(model, photo):
    told = {"sharp": False, "sharpness": 0, "device": "cpu", "backend": "onnx", "precision": "f32"}
    assert upscaled(photo, model, **told).faces
    assert upscaled(photo, model, device="auto", backend="auto").faces


@pytest.mark.parametrize("name", ["nope", "nope.onnx", "folder", "", 5])
def test_a_larger_model_is_found_when_the_smaller_one_is_loaded(name, tmp_path, monkeypatch):
    """Not at the first large face."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    refused(lambda: faceprior.load(small_onnx(), larger=name), "larger: ")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"condition": "x"}, "condition: expected numbers, (3, 2) for 3 faces"),
        ({"condition": [[0], [1, 2], [3]]}, "condition: expected numbers, (3, 2) for 3 faces"),
        ({"condition": np.full((3, 2), NAN)}, "condition: NaN or infinity in it"),
        ({"transforms": "x"}, "transforms: expected numbers, (3, 2, 3) for 3 faces"),
        ({"restraint": [1, 0]}, "restraint: expected (3,) for 3 faces, got (2,)"),
        ({"restraint": 0.5}, "restraint: expected (3,) for 3 faces, got (1,)"),
        ({"restraint": [NAN] * 3}, "restraint: NaN or infinity in it"),
    ],
)
def test_what_is_given_beside_the_faces(given, words, model):
    refused(lambda: model(LR, **given), words)


def test_faces_of_unequal_sizes(model):
    refused(lambda: model([LR[0], LR[0, :8]]), "lr: expected uint8 (N, 16, 16, 3), got what is no array of one shape")
