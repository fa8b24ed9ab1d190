"""What the command says and does with photos: sizes that were left, one file as the output, Ctrl-C, encodings."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command import any_model, faceprior  # noqa: F401  a fixture
from PIL import Image
from textures import texture

from faceprior.photo.boxes import Detection
from faceprior.photo.options import PhotoOptions
from faceprior.photo.result import PhotoFace
from faceprior.photo.said import Left, advice, left_faces

CLI = [sys.executable, "-c", "from faceprior.cli.app import main; main()"]


def model() -> list[str]:
    return ["--model", any_model()] if any_model() else []


def photo(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(texture(180, 240, seed=seed)).save(path)
    return path


@pytest.fixture
def boxes(tmp_path) -> Path:
    (tmp_path / "boxes.json").write_text(json.dumps([[20, 20, 24, 30]]))
    return tmp_path / "boxes.json"


@pytest.fixture(autouse=True)
def every_cut_is_a_face(monkeypatch):
    """The random network's transforms are none of a face."""
    from faceprior.photo import pipeline

    monkeypatch.setattr(pipeline, "believable", lambda transform, trained=None: True)


# -- what was not done


def test_videos_in_a_folder_are_not_passed_over_in_silence(faceprior, tmp_path):  # noqa: F811
    album = tmp_path / "album"
    (album / "more").mkdir(parents=True)
    for name in ("a.mp4", "b.MOV", "more/c.mkv", "._a.mp4"):
        (album / name).write_bytes(b"")
    alone = faceprior("upscale", album, "-o", tmp_path / "out")
    assert alone.status == 2 and "note: 2 videos are left" in alone.err and "a.mp4 the first" in alone.err
    photo(album / "d.png")
    deep = faceprior("upscale", album, "-r", *model(), "-o", tmp_path / "out", "--canvas", "lanczos", "--scale", "1",
                     "--detector", "embedded")  # fmt: skip
    assert deep.status == 0 and "note: 3 videos are left" in deep.err


def test_sizes_that_were_left_and_the_option_in_one_line():
    left = [Left("too large: 61 px > 60", 61.2), Left("too large: 118 px > 60", 117.6), Left("not chosen", 30.0)]
    (line,) = advice(left, PhotoOptions())
    assert line.startswith("2 faces are too large (61 to 118 px): --max-size 118 takes them, too")
    (line,) = advice([Left("too large: 72 px > 60", 72.4)], PhotoOptions())
    assert line.startswith("1 face is too large (72 px): --max-size 73 takes it, too")
    small, tiny = [Left("too small: 6 px < 8", 5.6)], [Left("too small: 3 px < 8", 3.2)]
    assert "(6 px): --min-size 5 takes it, too" in advice(small, PhotoOptions())[0]
    assert advice(tiny, PhotoOptions()) == ["1 face is too small (3 px), below what can be restored"]
    assert advice([], PhotoOptions()) == []


def test_the_named_option_takes_them(faceprior, tmp_path):  # noqa: F811
    (tmp_path / "boxes.json").write_text(json.dumps([[20, 20, 60, 70], [100, 20, 80, 110], [5, 5, 5, 5]]))
    command = (
        "upscale",
        photo(tmp_path / "a.png"),
        "--boxes",
        tmp_path / "boxes.json",
        *model(),
        "-o",
        tmp_path / "out",
    )
    ran = faceprior(*command, "--max-size", "40")
    assert ran.status == 0
    first = ran.err.splitlines()[0]
    assert first.startswith("note: ") and "nothing was restored; all 3 faces were left" in first
    assert (tmp_path / "out" / "a.png").exists() and (tmp_path / "out" / "a.sheet.png").exists()
    (large, small) = (line for line in ran.err.splitlines() if " px)" in line or " to " in line)
    assert "2 faces are too large" in large and "1 face is too small" in small
    flags = [word for line in (large, small) for word in line.replace(":", "").split()]
    wanted = [flags[i + k] for i, word in enumerate(flags) if word in ("--max-size", "--min-size") for k in (0, 1)]
    ran = faceprior(*command, "--overwrite", *wanted)
    assert "3 faces restored, 0 left" in ran.out, ran
    assert (tmp_path / "out" / "a.png").exists()


def test_faces_of_little_score_are_left(faceprior, tmp_path):  # noqa: F811
    scored = [{"box": [20, 20, 24, 30], "score": 0.9}, {"box": [80, 20, 24, 30], "score": 0.72}]
    (tmp_path / "boxes.json").write_text(json.dumps(scored))
    command = (
        "upscale",
        photo(tmp_path / "a.png"),
        "--boxes",
        tmp_path / "boxes.json",
        *model(),
        "-o",
        tmp_path / "out",
    )
    ran = faceprior(*command, "--min-score", "0.8")
    assert "1 face restored, 1 left (unsure: 1)" in ran.out
    assert faceprior(*command, "--min-score", "2").status == 2


def test_left_faces_are_those_that_were_not_restored():
    from faceprior.photo.cut import face_frame

    detection = Detection((0, 0, 20, 20))
    faces = [PhotoFace(1, detection, face_frame(detection), "restored"), PhotoFace(2, detection, face_frame(detection))]
    assert [face.kind for face in left_faces(faces)] == ["left"]


def test_the_page_says_it_too():
    from faceprior.photo.decode import DecodedImage
    from faceprior.photo.pipeline import upscale_photo
    from faceprior.web.outcome import summary

    picture = DecodedImage(texture(200, 340))
    text = summary(upscale_photo(picture, None, [Detection((20, 20, 80, 100))]))
    assert text.startswith("Nothing was restored; 1 left as found (too large: 1)")
    assert "1 face is too large (" in text and "“Largest face”" in text and "plainly enlarged" in text


def test_the_sheets_limit_is_said(faceprior, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("faceprior.photo.sheet.MAX_FACES", 2)
    monkeypatch.setattr("faceprior.photo.write.MAX_FACES", 2)
    (tmp_path / "boxes.json").write_text(json.dumps([[20 + 40 * i, 20, 24, 30] for i in range(4)]))
    ran = faceprior(
        "upscale", photo(tmp_path / "a.png"), "--boxes", tmp_path / "boxes.json", *model(), "-o", tmp_path / "out"
    )
    assert "the contact sheet shows the first 2 of 4 faces" in ran.err


# -- one file


@pytest.mark.parametrize("name", ["result.jpg", "new/result.png", "result.tiff", "result.webp"])
def test_one_photo_into_one_file(name, faceprior, boxes, tmp_path):  # noqa: F811
    source, target = photo(tmp_path / "in" / "a.png"), tmp_path / "out" / name
    command = ("upscale", source, "--boxes", boxes, *model(), "-o", target)
    ran = faceprior(*command)
    assert ran.status == 0, ran.err
    with Image.open(target) as image:
        assert image.size == (960, 720) and image.format in ("JPEG", "PNG", "TIFF", "WEBP")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [target]
    ran = faceprior(*command)
    assert ran.status == 2 and "exists; --overwrite" in ran.err
    assert faceprior(*command, "--overwrite").status == 0


def test_one_file_is_refused_where_it_cannot_be(faceprior, boxes, tmp_path):  # noqa: F811
    a, b = photo(tmp_path / "in" / "a.png"), photo(tmp_path / "in" / "b.png", 1)
    before = a.read_bytes()
    for arguments, words in (
        ((a, b, "-o", tmp_path / "x.jpg"), "names one file, and there are 2 photos"),
        ((a, "-o", a, "--overwrite"), "is an input and would be overwritten"),
        ((a, "-o", tmp_path / "x.jpg", "--resume"), "--resume"),
    ):
        ran = faceprior("upscale", *arguments, "--boxes", boxes, *model())
        assert ran.status == 2 and words in ran.err
    assert a.read_bytes() == before and not (tmp_path / "x.jpg").exists()
    folder = tmp_path / "folder.jpg"
    folder.mkdir()
    assert faceprior("upscale", a, "-o", folder, "--boxes", boxes, *model()).status == 0
    assert (folder / "a.png").exists()


def test_one_file_that_is_not_written_is_no_success(faceprior, tmp_path):  # noqa: F811
    command = ("upscale", photo(tmp_path / "a.png"), "--detector", "embedded", *model(), "-o", tmp_path / "x.jpg")
    ran = faceprior(*command, "--faces-only")
    assert ran.status == 1 and "nothing was written" in ran.err and not (tmp_path / "x.jpg").exists()
    ran = faceprior(*command)
    assert ran.status == 0 and "nothing was restored; no face found" in ran.err and (tmp_path / "x.jpg").exists()


def test_transparency_in_a_jpeg_is_white(faceprior, boxes, tmp_path):  # noqa: F811
    image = Image.open(photo(tmp_path / "a.png"))
    image.putalpha(Image.new("L", image.size, 0))
    image.save(tmp_path / "a.png")
    faceprior("upscale", tmp_path / "a.png", "--boxes", boxes, *model(), "-o", tmp_path / "x.jpg")
    with Image.open(tmp_path / "x.jpg") as image:
        assert np.asarray(image).min() > 250


# -- Ctrl-C

SLOW = r"""
import os, sys, time
from pathlib import Path
from faceprior.files import beside
from faceprior.photo import batch
def slow(*given, **named):
    with beside(Path(sys.argv[-1]) / "x") as part:
        part.write_bytes(b"half")
        os.write(1, b"at work\n")
        time.sleep(60)
batch.upscale_photo = slow
from faceprior.cli.app import main
main()
"""


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_at_once(jobs, how, tmp_path):
    for i in range(4):
        photo(tmp_path / "in" / f"{i}.png", i)
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-c", SLOW, "upscale", str(tmp_path / "in"), "--detector", "embedded", *model()]
    command += ["-j", str(jobs), "-o", str(tmp_path / "out")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A shell's background jobs ignore Ctrl-C, and hand that on; in a terminal a command does not.
    heard = (lambda: signal.signal(signal.SIGINT, signal.default_int_handler)) if os.name == "posix" else None
    process = subprocess.Popen(command, **pipes, preexec_fn=heard)
    for _ in range(jobs):
        assert process.stdout.readline() == "at work\n"
    begun = time.monotonic()
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - begun < 10
    assert process.returncode == (130 if how == signal.SIGINT else 143)
    assert "Traceback" not in said and ("faceprior: stopped; --resume goes on" in said) == (how == signal.SIGINT)
    assert list((tmp_path / "out").iterdir()) == []  # nor is anything left beside


# -- encodings


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1:strict"])
@pytest.mark.parametrize("how", ["cropped", "photos"])
def test_a_name_that_the_terminal_lacks_ends_no_run(encoding, how, tmp_path):
    folder = tmp_path / "照片"
    photo(folder / "家.png")
    (folder / "坏.jpg").write_bytes(b"no")
    extra = ["--cropped"] if how == "cropped" else ["--photos", "--detector", "embedded"]
    command = [*CLI, "upscale", str(folder), *extra, *model(), "-o", str(tmp_path / "出")]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    ran = subprocess.run(command, capture_output=True, env=environment, timeout=120)
    said = ran.stdout + ran.stderr
    assert ran.returncode == 1 and b"Traceback" not in said, said.decode(errors="replace")
    assert rb"\u51fa" in ran.stdout and rb"\u574f.jpg" in ran.stderr
    assert (tmp_path / "出" / "家.png").exists()
