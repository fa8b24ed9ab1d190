"""`faceprior.upscale`, `model.restore` and what they give, with a small random model."""

import io
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image
from random_models import small_onnx
from textures import texture

import faceprior
from faceprior import Detection, FacepriorError

FACE = (20, 20, 24, 24)


@pytest.fixture(scope="module")
def model():
    return faceprior.load(small_onnx(), threads=1)


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    return texture(64, 80, seed=3)


@pytest.fixture(autouse=True)
def every_cut_is_a_face(monkeypatch):
    """The random network's transforms are none of a face."""
    from faceprior.photo import pipeline

    monkeypatch.setattr(pipeline, "believable", lambda transform, trained=None: True)


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_one_face_in_any_form_is_the_same_face(model, rgb, tmp_path):
    face = Image.fromarray(rgb[:64, :64])
    face.save(tmp_path / "face.png")
    expected = model.restore(tmp_path / "face.png")
    assert expected.image.shape == (128, 128, 3) and expected.image.dtype == np.uint8
    assert (expected.image == model(expected.lr[None]).images[0]).all()
    opaque = np.dstack([rgb[:64, :64], np.full((64, 64), 255, np.uint8)])
    for same in (str(tmp_path / "face.png"), png(face), rgb[:64, :64], face, opaque):
        assert (model.restore(same).image == expected.image).all()
    grey = face.convert("L")
    assert (model.restore(np.asarray(grey)).image == model.restore(grey).image).all()
    assert (model.restore(np.asarray(grey)[..., None]).image == model.restore(grey).image).all()
    # Transparency goes over white, as the command has it.
    clear = np.dstack([rgb[:64, :64], np.zeros((64, 64), np.uint8)])
    assert (model.restore(clear).lr == 255).all()


def test_an_opened_photo_is_turned_as_its_exif_says(model, rgb):
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", exif=exif)
    with Image.open(io.BytesIO(stream.getvalue())) as opened:
        turned = faceprior.upscale(opened, model=model, boxes=[FACE], scale=1, strength=0)
    assert (turned.before == np.rot90(rgb, -1)).all()
    assert (turned.before == faceprior.upscale(stream.getvalue(), model=model, boxes=[FACE], scale=1).before).all()


def test_a_face_is_saved_and_shown(model, rgb, tmp_path):
    face = model.restore(rgb)
    written = face.save(tmp_path / "out.png")
    with Image.open(written) as image:
        assert (np.asarray(image) == face.image).all()
    with pytest.raises(FacepriorError, match="overwrite=True"):
        face.save(written)
    assert face.save(written, overwrite=True) == written
    with pytest.raises(FacepriorError, match=r"\.png"):
        face.save(tmp_path / "out.jpg")
    assert len(repr(face)) < 200 and "degrees" in repr(face)
    for shown in (face, model(face.lr[None])):
        with Image.open(io.BytesIO(shown._repr_png_())) as image:
            assert image.format == "PNG" and min(image.size) >= 128
    assert model(np.zeros((0, 16, 16, 3), np.uint8))._repr_png_() is None


def test_a_grey_face_is_saved_grey_with_what_its_file_said(model, rgb, tmp_path):
    exif = Image.Exif()
    exif[0x013B] = "A. Nonymous"
    Image.fromarray(rgb[:64, :64]).convert("L").save(tmp_path / "face.png", exif=exif, dpi=(100, 100))
    face = model.restore(tmp_path / "face.png")
    with Image.open(face.save(tmp_path / "out.png")) as saved:
        assert saved.mode == face.mode == "L" and saved.getexif()[0x013B] == "A. Nonymous"
        assert saved.info["dpi"][0] == pytest.approx(100 * face.scale, abs=1)


def test_save_writes_what_the_command_writes(model, rgb, tmp_path, monkeypatch, capsys):
    from faceprior.cli.app import main

    source, boxes = tmp_path / "party.png", tmp_path / "boxes.json"
    Image.fromarray(rgb).save(source)
    boxes.write_text(json.dumps([FACE]))
    command = ["faceprior", "upscale", source, "--photos", "--boxes", boxes, "--model", small_onnx(), "--threads", "1"]
    monkeypatch.setattr(sys, "argv", [*map(str, command), "-o", str(tmp_path / "command")])
    with pytest.raises(SystemExit, match="0"):
        main()
    capsys.readouterr()
    photo = faceprior.upscale(source, model=model, boxes=boxes)
    assert photo.save(tmp_path / "python") == tmp_path / "python" / "party.png"
    names = sorted(p.relative_to(tmp_path / "python") for p in (tmp_path / "python").rglob("*"))
    assert names == sorted(p.relative_to(tmp_path / "command") for p in (tmp_path / "command").rglob("*"))
    for name in names:
        if name.suffix == ".png":
            assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
    told, said = (json.loads((tmp_path / who / "party.json").read_text()) for who in ("command", "python"))
    assert said["faces"] == told["faces"] and said["model"] == told["model"]
    with pytest.raises(FacepriorError, match="overwrite=True replaces it"):
        photo.save(tmp_path / "python")
    photo.save(tmp_path / "python", overwrite=True)
    with pytest.raises(FacepriorError, match="is an input"):
        photo.save(tmp_path, overwrite=True)
    with pytest.raises(FacepriorError, match="without a folder"):
        photo.save(tmp_path / "python", "../party.png")
    assert (np.asarray(Image.open(source)) == rgb).all()
    with pytest.raises(FacepriorError, match="is a file"):
        photo.save(source)


def test_results_are_short_in_words_and_seen_in_a_notebook(model, rgb):
    photo = faceprior.upscale(rgb, model=model, boxes=[FACE, (50, 10, 3, 3)], scale=2)
    assert repr(photo) == "PhotoResult(80x64 -> 160x128, 1 of 2 faces restored)"
    left, restored = photo.faces
    assert repr(photo.faces) == f"[{left}, {restored}]"
    assert repr(left) == "PhotoFace(1, 4 px, left: too small: 4 px < 8)"
    assert repr(restored).startswith("PhotoFace(2, ") and repr(restored).endswith(" px, restored)")
    assert all((face._repr_png_() is None) == (not face.restored) for face in photo.faces)
    with Image.open(io.BytesIO(photo._repr_png_())) as image:
        assert image.width > image.height


def test_results_are_compared_and_collected(model, rgb):
    """By what they are: their arrays have no one truth."""
    one, other = (faceprior.upscale(rgb, model=model, boxes=[FACE], scale=1, canvas="lanczos") for _ in range(2))
    lr = one.faces[0].lr[None]
    for a, b in ((one, other), (one.faces[0], other.faces[0]), (model(lr), model(lr)), (model.restore(rgb), one)):
        assert a in [b, a] and a != b and len({a, b, a}) == 2


def test_the_keywords_of_the_command(model, rgb):
    def faces(**keywords):
        return [f.restored for f in faceprior.upscale(rgb, model=model, **keywords).faces]

    two = [FACE, (50, 22, 20, 20)]
    assert faces(boxes=two) == [True, True] and faces(boxes=two, faces=np.array([2])) == [False, True]
    assert faces(boxes=two, max_size=8.5) == [False, False] and faces(boxes=[Detection(FACE)]) == [True]
    assert faces(detector=lambda rgb: [Detection(FACE)]) == [True]
    assert faceprior.upscale(rgb, model=model, boxes=[], scale=np.int64(3)).photo.size == (240, 192)
    assert model.photo(rgb, boxes=two, scale=2).photo.size == (160, 128)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"scale": 9}, "scale 9: expected a number from 1 to 8"),
        ({"scale": "4"}, "scale: expected a number, got '4'"),
        ({"strength": float("nan")}, "strength: expected a number, got nan"),
        ({"min_size": 2}, "min_size 2, max_size 60: expected 4 <= min <= max"),
        ({"faces": "1,3"}, "faces: expected numbers from 1, as [1, 3], got '1,3'"),
        ({"detector": "eyes"}, "detector eyes: expected"),
        ({"detector": [FACE]}, "faces go into boxes"),
        ({"boxes": [(1, 2, 3)]}, "boxes: a box is [x, y, width, height]"),
        ({"boxes": "absent.json"}, "absent.json: no such file"),
        ({"detector_weights": "absent.onnx"}, "absent.onnx: no such file (detector_weights)"),
    ],
)
def test_errors_are_in_the_words_of_the_call(model, rgb, keywords, words):
    with pytest.raises(FacepriorError) as caught:
        faceprior.upscale(rgb, **{"model": model, **keywords})
    assert words in str(caught.value) and "--" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_keyword_that_is_none_is_named(model, rgb):
    with pytest.raises(TypeError, match="'scal'"):
        faceprior.upscale(rgb, model=model, scal=4)


def test_flags_become_keywords():
    from faceprior.photo.words import python_words

    assert python_words("--min-size 2, --max-size 9: no") == "min_size 2, max_size 9: no"
    assert python_words("a--b.png: -- and ---x") == "a--b.png: -- and ---x"
    assert python_words("x; --no-pixel-limit takes it all the same") == "x; pixel_limit=False takes it all the same"


def test_the_embedded_detector_is_said_once_a_call(model, rgb, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("FACEPRIOR_DETECTOR_WEIGHTS", raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        faceprior.upscale(rgb, model=model, offline=True, scale=1)
    (warned,) = [w for w in caught if issubclass(w.category, faceprior.FacepriorWarning)]
    assert warned.filename == __file__ and "detector_weights" in str(warned.message)
    heard = []
    faceprior.upscale(rgb, model=model, offline=True, scale=1, warn=heard.append)
    assert heard == [str(warned.message)]


def test_what_a_result_says_is_in_the_words_of_the_call(model, rgb, tmp_path, monkeypatch):
    """And its file in those of the command, which writes the same."""
    from copy import deepcopy

    from faceprior.photo import pipeline

    monkeypatch.setattr(pipeline, "turned_as_a_whole", lambda found: "so; --keep-sharpening keeps it")
    result = faceprior.upscale(rgb, model=model, boxes=[FACE], max_size=10, canvas="lanczos", scale=1)
    assert result.advice[0].startswith("1 face is too large") and " max_size " in result.advice[0]
    assert "; keep_sharpening keeps it" in result.notes[0]
    assert not any("--" in line for line in (*result.notes, *result.advice))
    result.notes.append("a note of the caller's: --mine")
    for name, one in (("a.png", result), ("b.png", deepcopy(result))):
        one.save(tmp_path, name)
        written = json.loads((tmp_path / name).with_suffix(".json").read_text())["notes"]
        assert "; --keep-sharpening keeps it" in written[0] and "--max-size " in written[2], written
        assert written[1] == "a note of the caller's: --mine"


def test_python_m_faceprior():
    done = subprocess.run([sys.executable, "-m", "faceprior", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"faceprior {faceprior.__version__}\n")


def test_every_public_name_is_there():
    for name in faceprior.__all__:
        assert getattr(faceprior, name) is not None and name in dir(faceprior)
    with pytest.raises(AttributeError, match="lod"):
        _ = faceprior.lod
