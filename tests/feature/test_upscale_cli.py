"""`faceprior upscale`, `demo` and `export`, run as a user runs them (in this process, for speed)."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from cut_faces import restored
from PIL import Image
from random_models import small_onnx, small_safetensors, smooth_faces

from faceprior.cli.app import main
from faceprior.photo.decode import DecodedImage


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs `faceprior ARGUMENTS`: exit status, standard output, standard error."""

    def call(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprior", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def upscale(run):
    """Of faces that are cut out: `test_what_is_a_face.py` has the rest."""
    return lambda *arguments: run("upscale", "--cropped", "--model", small_onnx(), *arguments)


def write_face(path: Path, size: int = 48, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    face = Image.fromarray(smooth_faces(1, seed)[0])
    (face if size == 16 else face.resize((size, size), Image.Resampling.BICUBIC)).save(path)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_folder_and_glob(upscale, tmp_path):
    write_face(tmp_path / "a.png")
    write_face(tmp_path / "folder" / "b.jpg")
    write_face(tmp_path / "folder" / "deep" / "c.jpg")
    (tmp_path / "folder" / "notes.txt").write_text("not looked at")
    write_face(tmp_path / "glob" / "d1.bmp")
    out = tmp_path / "out"
    code, said, _ = upscale(tmp_path / "a.png", tmp_path / "folder", tmp_path / "glob" / "d?.bmp", "-o", out)
    assert code == 0
    assert "3 faces" in said
    assert names(out) == ["a.png", "b.png", "contact-sheet.png", "d1.png"]
    with Image.open(out / "a.png") as image:
        assert (image.size, image.mode, image.format) == ((128, 128), "RGB", "PNG")

    code, *_ = upscale(tmp_path / "folder", "-r", "--no-sheet", "-o", tmp_path / "deep-out")
    assert code == 0
    assert names(tmp_path / "deep-out") == ["b.png", "c.png"]


def test_the_output_is_the_networks(upscale, tmp_path):
    import faceprior

    write_face(tmp_path / "lr.png", 16, seed=3)
    upscale(tmp_path / "lr.png", "-o", tmp_path / "out")
    (expected,) = restored(faceprior.load(small_onnx()), [DecodedImage(smooth_faces(1, 3)[0])])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "lr.png")), expected)


def test_json_and_heatmaps(upscale, tmp_path):
    import hashlib

    import faceprior

    write_face(tmp_path / "a.png")
    out = tmp_path / "out"
    (tmp_path / "bad.png").write_bytes(b"no")
    code, *_ = upscale(tmp_path / "a.png", tmp_path / "bad.png", "--json", "--heatmaps", "-o", out)
    assert code == 1
    assert names(out) == ["a.heatmaps.png", "a.png", "contact-sheet.png", "faces.json"]
    table = json.loads((out / "faces.json").read_text("utf-8"))
    assert table["faceprior"] == faceprior.__version__
    assert table["model"]["sha256"] == hashlib.sha256(small_onnx().read_bytes()).hexdigest()
    assert table["failed"] == [{"input": str(tmp_path / "bad.png"), "reason": "not an image that Pillow reads"}]
    (face,) = table["faces"]
    assert face["image"] == "a.png"
    assert face["heatmaps"] == "a.heatmaps.png"
    assert np.shape(face["transform"]) == (2, 3)
    assert set(face["alignment"]) == {"angle", "scale", "shift"}
    assert list(face["components"]) == ["eyes", "nose", "mouth", "chin"]
    for component in face["components"].values():
        assert component["visible"] == (component["position"] is not None)


def test_one_bad_file_stops_nothing(upscale, tmp_path):
    for i in range(10):
        write_face(tmp_path / f"{i}.png", seed=i)
    (tmp_path / "3.png").write_bytes(b"damaged")
    (tmp_path / "5.png").write_bytes((tmp_path / "4.png").read_bytes()[:300])
    code, said, errors = upscale(tmp_path, tmp_path / "gone.png", "-o", tmp_path / "out")
    assert code == 1
    assert "8 faces" in said
    assert "3 failed" in said
    assert [line.split(": ")[1] for line in errors.splitlines() if line.startswith("failed")] == [
        str(tmp_path / name) for name in ("gone.png", "3.png", "5.png")
    ]
    assert len(names(tmp_path / "out")) == 9


@pytest.mark.parametrize("what", ["bad file", "no file", "empty folder", "no match"])
def test_nothing_readable_is_status_2_and_writes_nothing(upscale, tmp_path, what):
    folder = tmp_path / "in"
    folder.mkdir()
    if what == "bad file":
        (folder / "x.png").write_bytes(b"no")
    source = {"empty folder": folder, "no match": folder / "*.png"}.get(what, folder / "x.png")
    code, said, errors = upscale(source, "-o", tmp_path / "out")
    assert code == 2
    assert said == ""
    assert errors.startswith("faceprior: error: ")
    assert str(source) in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_large_images_are_faces_when_told(upscale, tmp_path):
    write_face(tmp_path / "large.png", 400)
    assert upscale(tmp_path / "large.png", "-o", tmp_path / "out")[0] == 0
    assert names(tmp_path / "out") == ["contact-sheet.png", "large.png"]


def test_equal_names_stay_apart(upscale, tmp_path):
    given = ("a/x.png", "b/x.jpg", "c/X.png", "d/x-2.png", "e/contact-sheet.png", "f/x.heatmaps.png")
    sources = [write_face(tmp_path / name, seed=i) for i, name in enumerate(given)]
    out = tmp_path / "out"
    code, *_ = upscale(*sources, sources[0], "-o", out, "--heatmaps", "--json")
    assert code == 0
    table = json.loads((out / "faces.json").read_text("utf-8"))
    written = [face[kind] for face in table["faces"] for kind in ("image", "heatmaps")]
    assert len({name.casefold() for name in written}) == 12
    assert sorted([*written, "contact-sheet.png", "faces.json"]) == names(out)


def test_an_input_is_never_overwritten(upscale, tmp_path):
    source = write_face(tmp_path / "a.png")
    before = source.read_bytes()
    for extra in ([], ["--overwrite"]):
        code, _, errors = upscale(source, "-o", tmp_path, *extra)
        assert code == 2
        assert "is an input" in errors
    assert source.read_bytes() == before
    assert names(tmp_path) == ["a.png"]


def test_results_are_replaced_only_when_told(upscale, tmp_path):
    source, out = write_face(tmp_path / "a.png"), tmp_path / "out"
    assert upscale(source, "-o", out)[0] == 0
    code, _, errors = upscale(source, "-o", out)
    assert code == 2
    assert "--overwrite" in errors
    assert upscale(source, "-o", out, "--overwrite")[0] == 0


def test_out_is_a_file(upscale, tmp_path):
    source = write_face(tmp_path / "a.png")
    code, _, errors = upscale(source, "-o", source)
    assert code == 2
    assert "is a file" in errors


def test_a_failing_write_leaves_nothing_half_written(upscale, tmp_path, monkeypatch):
    def full_disk(image, file, format, **saving):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    source = write_face(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "save", full_disk)
    code, _, errors = upscale(source, "-o", tmp_path / "out")
    assert code == 2
    assert "No space left" in errors
    assert names(tmp_path / "out") == []


def test_demo(run, tmp_path):
    code, said, _ = run("demo", "-o", tmp_path / "demo", "--model", small_onnx())
    assert code == 0
    assert names(tmp_path / "demo") == ["before-after.png", "group.png", "input.png", "output.png", "truth.png"]
    assert said.count(" dB") >= 2
    assert str(tmp_path / "demo" / "before-after.png") in said


def test_demo_sample_follows_the_protocol():
    """The truth, moved by the true transform, is the input: bicubic by that transform is far closer to the truth."""
    from faceprior.cli.demo import bicubic, bicubic_aligned, make_sample, psnr

    sample = make_sample()
    assert sample.lr.shape == (16, 16, 3)
    assert sample.truth.shape == (128, 128, 3)
    assert psnr(bicubic_aligned(sample.lr), sample.truth) > psnr(bicubic(sample.lr), sample.truth) + 8


def test_the_demo_s_group_gains_in_the_faces_of_the_packaged_networks():
    from faceprior.cli.demo_group import group
    from faceprior.runtime.upscaler import load

    shown = group(load())
    assert len(shown.sizes) == shown.found >= 15
    assert max(shown.sizes) < 22
    assert shown.psnr["faceprior"] > shown.psnr["lanczos"] + 1.5
    assert shown.picture.width == 510


def test_pixels_within_a_turned_frame():
    from faceprior.cli.demo_group import within
    from faceprior.face.frame import Frame

    turned = within([Frame((19.5, 9.5), (0.6, 0.8), 10.0)], (80, 40))
    assert turned.shape == (40, 80)
    assert turned.sum() == pytest.approx(20 * 20, rel=0.03)
    ys, xs = np.nonzero(turned)
    assert (xs.mean(), ys.mean()) == pytest.approx((39.5, 19.5), abs=0.2)
    assert not within([], (80, 40)).any()


def test_export(run, tmp_path):
    import shutil

    shutil.copy(small_safetensors(), tmp_path / "model.safetensors")
    code, said, _ = run("export", tmp_path, "-o", tmp_path / "new" / "net.onnx")
    assert code == 0
    assert "net.onnx" in said
    assert run("export", tmp_path / "model.safetensors", "-o", tmp_path / "net.bin")[0] == 2
    assert run("export", tmp_path / "nothing.safetensors")[0] == 2
    assert run("export", tmp_path, "--default")[0] == 2
    assert names(tmp_path) == ["model.safetensors", "new"]


def test_unusual_names(upscale, tmp_path):
    for name in ("münze ✓.png", "-dash.png", "[x].png", "a.b.c.png", "nl\nnl.png"):
        write_face(tmp_path / "in" / name)
    code, *_ = upscale(tmp_path / "in", tmp_path / "in" / "[x].png", "-o", tmp_path / "out", "--json")
    assert code == 0
    assert "a.b.c.png" in names(tmp_path / "out")
    assert len(json.loads((tmp_path / "out" / "faces.json").read_text("utf-8"))["faces"]) == 5
