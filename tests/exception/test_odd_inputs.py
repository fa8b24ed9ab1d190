"""Odd names, places and calls, tried by script: each costs its own item alone, in one line, and nothing else."""

import hashlib
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from command import any_model, faceprior, upscale  # noqa: F401  fixtures
from crafted_images import RGB, saved
from PIL import Image
from textures import texture

import faceprior as package
from faceprior import FacepriorError
from faceprior.cli.inputs import unique_stems
from faceprior.photo.decode import read_bytes
from faceprior.photo.given import decoded
from faceprior.photo.result import PhotoResult

PNG = saved(RGB, "PNG")


def good(path: Path, data: bytes = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def tree(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture
def every_cut_is_a_face(monkeypatch):
    from faceprior.photo import pipeline

    monkeypatch.setattr(pipeline, "believable", lambda transform, trained=None: True)


def with_boxes(*given: str | Path, boxes: Path) -> list[str]:
    boxes.write_text(json.dumps([[20, 20, 24, 30]]))
    model = ["--model", any_model()] if any_model() else []
    return ["upscale", *map(str, given), "--boxes", str(boxes), "--photos", "--canvas", "lanczos", *model]


# -- results that would lie in one another's place


def test_the_faces_of_a_photo_lie_apart_from_the_photos_of_a_folder_of_its_name(
    faceprior, every_cut_is_a_face, tmp_path  # noqa: F811
):  # fmt: skip
    for name in ("party.png", "party/01.png", "party/deep/02.png"):
        good(tmp_path / "in" / name, saved(texture(180, 240), "PNG"))
    command = with_boxes(tmp_path / "in", "-r", "-o", tmp_path / "out", boxes=tmp_path / "boxes.json")
    ran = faceprior(*command)
    assert ran.status == 0 and "3 photos done" in ran.out and "3 faces restored" in ran.out, ran.err
    found = tree(tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.json"):
        said = json.loads(path.read_text())
        named = [*said["files"].values(), *(name for face in said["faces"] for name in face["files"].values())]
        assert len(named) == 5
        for name in named:  # each file of a result is its own
            found.pop(str((path.parent / name).relative_to(tmp_path / "out")))
        found.pop(str(path.relative_to(tmp_path / "out")))
    assert not found and (tmp_path / "out" / "party" / "01.png").exists()
    assert "3 skipped" in faceprior(*command, "--resume").out


def test_names_that_differ_in_how_an_accent_is_written():
    """One name on some file systems, macOS's among them."""
    names = [unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD")]
    stems = unique_stems([Path("a") / names[0], Path("b") / names[1]])
    assert stems == ["é", unicodedata.normalize("NFD", "é") + "-2"]
    assert unique_stems([Path("É.png"), Path(names[1])])[1].endswith("-2")


# -- places


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("a.json/", "a.json: is a folder where a result goes; -o names another place"),
        ("a.png/", "a.png: is a folder where a result goes"),
        ("a", "a: is a file where a folder of faces may have to be; -o names another place"),
    ],
)
def test_a_place_that_is_taken_is_found_before_the_work(
    there, said, faceprior, every_cut_is_a_face, tmp_path  # noqa: F811
):  # fmt: skip
    out = tmp_path / "out"
    out.mkdir()
    (out / there).mkdir() if there.endswith("/") else (out / there).touch()
    command = with_boxes(good(tmp_path / "a.png"), good(tmp_path / "b.png"), "-o", out, boxes=tmp_path / "boxes.json")
    ran = faceprior(*command, "--overwrite")
    assert ran.status == 1 and ran.err.count("failed: ") == 1 and said in ran.err, ran.err
    assert {name for name in tree(out) if name.startswith("a")} <= {there}
    assert (out / "b.json").exists()


def test_the_file_of_the_boxes_is_an_input(faceprior, tmp_path):  # noqa: F811
    command = with_boxes(good(tmp_path / "a.png"), "-o", tmp_path / "out", boxes=tmp_path / "boxes.json")
    boxes = good(tmp_path / "out" / "a.json", (tmp_path / "boxes.json").read_bytes())
    command[command.index("--boxes") + 1] = str(boxes)
    ran = faceprior(*command, "--overwrite")
    assert ran.status == 2 and "a.json: is an input and would be overwritten" in ran.err
    assert boxes.read_bytes() == (tmp_path / "boxes.json").read_bytes()


def test_a_json_that_cannot_be_read_is_no_earlier_result(upscale, tmp_path):  # noqa: F811
    good(tmp_path / "out" / "a.json", b"[" * 100_000)
    ran = upscale("photos", good(tmp_path / "a.png"), "-o", tmp_path / "out", "--resume")
    assert ran.status == 0 and "1 photo done" in ran.out, ran.err


@pytest.mark.parametrize("mode", ["cropped", "photos"])
@pytest.mark.parametrize("place", ["loop", "loop/x", "nowhere", "nowhere/x.jpg"])
def test_results_below_a_link_to_nothing(place, mode, upscale, tmp_path):  # noqa: F811
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("absent")
    ran = upscale(mode, good(tmp_path / "a.png"), "-o", tmp_path / place)
    assert ran.status == 2 and not ran.out and ran.err.count("\n") == 1
    assert "a symbolic link to nothing, or to itself; -o names another place" in ran.err


def test_a_file_takes_the_place_of_a_link_to_nothing(upscale, tmp_path):  # noqa: F811
    (tmp_path / "x.png").symlink_to("absent/y.png")
    assert upscale("photos", good(tmp_path / "a.png"), "-o", tmp_path / "x.png").status == 0
    assert not (tmp_path / "x.png").is_symlink()


def test_sources_and_shards_that_are_links_to_themselves(faceprior, tmp_path):  # noqa: F811
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "faces").mkdir()
    for source, out in (("loop", "out"), ("faces", "loop")):
        ran = faceprior("prepare", tmp_path / source, "-o", tmp_path / out)
        assert ran.status == 2 and "loop: a symbolic link to nothing, or to itself" in ran.err


# -- usage


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["-o", ""], "-o: an empty name (a variable of the shell that is not set?)"),
        (["--cropped", "--boxes", "boxes.json"], "--boxes: is for photos; it does not go with --cropped"),
        (["--cropped", "--resume"], "--resume: is for photos"),
        (["--canvas", "x"], "--canvas x: expected auto, network, faces, lanczos"),
    ],
)
def test_usage(flags, said, faceprior, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    ran = faceprior("upscale", good(tmp_path / "in" / "a.png"), *flags)
    assert ran.status == 2 and said in ran.err and ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


def test_an_empty_name_of_a_model():
    with pytest.raises(FacepriorError, match=r"^model: an empty name"):
        package.load("")


def test_the_demo_looks_at_its_place_before_it_works(faceprior, tmp_path, monkeypatch):  # noqa: F811
    from faceprior.runtime import upscaler

    monkeypatch.setattr(upscaler, "load", lambda *_, **__: pytest.fail("it worked"))
    (tmp_path / "loop").symlink_to("loop")
    for place, said in ((good(tmp_path / "file"), "file: is a file"), (tmp_path / "loop" / "x", "loop: a symbolic")):
        ran = faceprior("demo", "-o", place)
        assert ran.status == 2 and said in ran.err and ran.err.count("\n") == 1


def test_reproduce_says_what_makes_a_prepared_folder(faceprior, tmp_path):  # noqa: F811
    pytest.importorskip("torch")
    ran = faceprior("reproduce", "table1", "-d", tmp_path, "-o", tmp_path / "out", "--device", "cpu")
    assert ran.status == 2 and "not a prepared folder (no manifest.json); make one with 'faceprior prepare'" in ran.err


def test_one_face_is_one(upscale, tmp_path):  # noqa: F811
    ran = upscale("cropped", good(tmp_path / "a.png"), "-o", tmp_path / "out")
    assert ran.out.startswith("1 face (1 doubtful)") or ran.out.startswith("1 face ->")


# -- from Python


def test_images_of_pillow_without_pixels_or_file(tmp_path):
    for size in ((0, 5), (5, 0)):
        with pytest.raises(FacepriorError, match=f"has no pixels \\({size[0]}x{size[1]}\\)"):
            decoded(Image.new("RGB", size))
    image = Image.open(good(tmp_path / "a.png"))
    image.fp.close()
    with pytest.raises(FacepriorError, match="the image: damaged image"):
        decoded(image)


@pytest.mark.parametrize(
    ("folder", "name", "said"),
    [
        ("out", "..", "expected a file's name without a folder"),
        ("out", "a\0b.png", "no name that a file can have"),
        ("a\0b", "a.png", "no name that a file can have"),
        ("out", "x" * 300 + ".png", "File name too long"),
        ("x" * 300, "a.png", "File name too long"),
    ],
)
def test_names_of_results(folder, name, said, tmp_path):
    picture = read_bytes(PNG, "a.png")
    result = PhotoResult(picture.rgb, Image.fromarray(np.asarray(picture.rgb)), 1, [])
    with pytest.raises(FacepriorError, match=said) as error:
        result.save(tmp_path / folder, name, overwrite=True)
    assert "\n" not in str(error.value) and not tree(tmp_path)
