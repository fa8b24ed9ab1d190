"""The canvas: its network, its ONNX file, its tiles, what it is told, and how a photo gets it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from command import faceprior  # noqa: F401  a fixture
from PIL import Image

import faceprior as package
from faceprior.dataset.rough import jpeg
from faceprior.errors import FacepriorError
from faceprior.photo import canvas as painting
from faceprior.photo import canvas_tiles
from faceprior.photo.canvas import FramePainter, canvas_loader, paint
from faceprior.photo.decode import DecodedImage, read_bytes
from faceprior.photo.quality import measured_quality, noise_level, quality_of_tables, table_of_quality, told
from faceprior.runtime.canvas import REACH, SCALE, load_canvas

ASTRONAUT = Path(package.__file__).parent / "assets" / "astronaut.jpg"


@pytest.fixture(scope="module")
def network():
    return load_canvas(threads=1)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    rgb = np.asarray(Image.open(ASTRONAUT).convert("RGB"))
    return rgb[: rgb.shape[0] // 12 * 12, : rgb.shape[1] // 12 * 12]


def small(truth: np.ndarray, scale: int = 4) -> np.ndarray:
    size = (truth.shape[1] // scale, truth.shape[0] // scale)
    return np.asarray(Image.fromarray(truth).resize(size, Image.Resampling.BICUBIC))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2))


def stored(rgb: np.ndarray, **saving) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", **saving)
    return file.getvalue()


def painted(rgb, scale, network, kind="network", **more) -> np.ndarray:
    return np.asarray(paint(rgb, scale, kind, lambda: network, **more)[0])


def test_it_gains_over_lanczos_on_a_clean_photo_and_on_jpegs(network, truth):
    """On a photo that it never saw. SPAN as published: +2.6 dB clean, less than +0.3 from JPEG 75."""
    clean = small(truth)
    assert psnr(painted(clean, 4, network), truth) > psnr(painted(clean, 4, None, "lanczos"), truth) + 2.2
    for quality, gain in ((75, 0.6), (50, 0.3)):
        picture = read_bytes(stored(clean, quality=quality), "a.jpg")
        assert picture.quality == pytest.approx(quality, abs=1)
        ours = painted(picture.rgb, 4, network, quality=picture.quality)
        assert psnr(ours, truth) > psnr(painted(picture.rgb, 4, None, "lanczos"), truth) + gain
        # Told nothing it is worse: the quality of the file is used.
        assert psnr(ours, truth) > psnr(network.told((0.0, 0.0))(picture.rgb), truth)


@pytest.mark.parametrize(("scale", "gain"), [(2, 0.5), (3, 1.0)])
def test_scales_below_four_gain_too(network, truth, scale, gain):
    clean = small(truth, scale)[:72, 40:140]
    whole = truth[: 72 * scale, 40 * scale : 140 * scale]
    assert psnr(painted(clean, scale, network), whole) > psnr(painted(clean, scale, None, "lanczos"), whole) + gain


@pytest.mark.parametrize("scale", [2, 3, 4, 5])
def test_tiles_are_what_one_run_gives(network, truth, scale, monkeypatch):
    rgb = small(truth)[:, :110]
    whole = painted(rgb, scale, network)
    assert whole.shape == (rgb.shape[0] * scale, rgb.shape[1] * scale, 3)
    monkeypatch.setattr(canvas_tiles, "TILE", 2 * canvas_tiles.MARGIN + 24)
    seen = []
    tiled = painted(rgb, scale, network, progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 12
    assert seen[-1] == (len(seen), len(seen))
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_the_receptive_field_is_as_wide_as_said(network):
    """A pixel changed at REACH changes the middle; nothing changes one pixel beyond."""
    rng = np.random.default_rng(0)
    side = 2 * REACH + 9
    rgb = rng.integers(0, 256, (side, side, 3), np.uint8)
    run, middle = network.told((0.0, 0.0)), side // 2
    before = run(rgb)[middle * SCALE : (middle + 1) * SCALE, middle * SCALE : (middle + 1) * SCALE]
    far = rgb.copy()
    far[: middle - REACH], far[middle + REACH + 1 :] = 0, 255
    far[:, : middle - REACH], far[:, middle + REACH + 1 :] = 0, 255
    after = run(far)[middle * SCALE : (middle + 1) * SCALE, middle * SCALE : (middle + 1) * SCALE]
    np.testing.assert_array_equal(before, after)


def test_grey_stays_grey(network, truth):
    grey = np.repeat(small(truth)[:50, :60, :1], 3, 2)
    for scale in (2, 4):
        out = painted(grey, scale, network)
        assert (out == out[..., :1]).all()


def test_auto_takes_lanczos_where_the_network_would_take_too_long(network, truth, monkeypatch):
    monkeypatch.setattr(canvas_tiles, "TILE", 2 * canvas_tiles.MARGIN + 16)
    rgb = small(truth)
    photo, report = paint(rgb, 4, "auto", lambda: network, patience=0.0)
    assert report.kind == "lanczos"
    assert report.estimate > 0
    assert "--canvas network" in report.note
    np.testing.assert_array_equal(np.asarray(photo), painted(rgb, 4, None, "lanczos"))
    _, report = paint(rgb, 4, "auto", lambda: network, patience=1e9)
    assert report.kind == "network"
    assert report.note is None
    assert report.seconds > 0


def test_a_build_without_a_canvas_uses_lanczos_and_says_so_where_it_is_asked_for(truth):
    rgb = small(truth)
    _, report = paint(rgb, 4, "auto", lambda: None)
    assert report.kind == "lanczos"
    with pytest.raises(FacepriorError, match="no canvas is packaged"):
        paint(rgb, 4, "network", lambda: None)


def test_quality_is_read_from_tables():
    for quality in (30, 50, 75, 90):
        tables = {0: table_of_quality(quality).ravel().tolist()}
        assert quality_of_tables(tables) == pytest.approx(quality, abs=1)
    assert quality_of_tables(None) is None
    assert read_bytes(stored(np.zeros((20, 20, 3), np.uint8), quality=60), "a.jpg").quality == pytest.approx(60, abs=1)


@pytest.mark.parametrize("quality", [30, 50, 75])
def test_a_jpeg_of_old_shows_through_other_files(truth, quality):
    once = jpeg(truth, quality, "4:2:0", (3, 5))
    assert measured_quality(once) == pytest.approx(quality, abs=1)
    assert measured_quality(jpeg(once, 92, shift=(3, 5))) == pytest.approx(quality, abs=2)
    assert told(once, None)[0] == pytest.approx(told(once, quality)[0], abs=0.05)
    assert told(once, 92)[0] == pytest.approx(told(once, quality)[0], abs=0.05)
    assert measured_quality(truth[::-1]) is None
    half = np.asarray(Image.fromarray(once).resize((200, 190), Image.Resampling.BICUBIC))
    assert measured_quality(half) is None


def test_noise_is_told_and_texture_is_not(truth):
    rng = np.random.default_rng(0)
    flat = np.full((200, 240, 3), 120.0) + np.linspace(0, 60, 240)[None, :, None]
    noisy = np.clip(np.rint(flat + rng.normal(0, 12, (200, 240, 1))), 0, 255).astype(np.uint8)
    assert noise_level(noisy) == pytest.approx(12, rel=0.2)
    assert noise_level(truth) == 0
    # Texture as gravel's: alike at half the size.
    gravel = np.repeat(np.repeat(rng.integers(60, 200, (100, 120, 1)), 2, 0), 2, 1).repeat(3, 2).astype(np.uint8)
    soft = np.asarray(Image.fromarray(gravel).resize((480, 400), Image.Resampling.BICUBIC))
    assert noise_level(soft) == 0
    assert told(small(truth), None) == (0.0, 0.0)
    assert told(truth, 40)[0] == 1


def test_photos_of_a_pixel_and_of_a_strip(network):
    for shape in ((1, 1, 3), (1, 700, 3), (500, 2, 3)):
        rgb = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        assert painted(rgb, 2, network).shape == (shape[0] * 2, shape[1] * 2, 3)


def test_frames_of_a_video(network, truth):
    rgb = small(truth)[:60, :80]
    painter = FramePainter(rgb, 2, network)
    assert painter.seconds > 0
    np.testing.assert_array_equal(np.asarray(painter(rgb)), painted(rgb, 2, network))


def test_the_command(faceprior, tmp_path, truth):  # noqa: F811
    Image.fromarray(small(truth)).save(tmp_path / "a.png")
    (tmp_path / "none.json").write_text('{"a.png": []}')
    common = ("--photos", "--boxes", tmp_path / "none.json", "--scale", "4", "--no-sheet", tmp_path / "a.png")
    ran = faceprior("upscale", *common, "-o", tmp_path / "out", "--canvas", "network", "--threads", "1")
    assert ran.status == 0, ran.err
    assert "no face found" in ran.err
    said = json.loads((tmp_path / "out" / "a.json").read_text())
    assert said["canvas"]["kind"] == "network"
    written = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    expected = painted(small(truth), 4, canvas_loader(threads=1)())
    np.testing.assert_array_equal(written, expected)

    ran = faceprior("upscale", *common, "-o", tmp_path / "out2", "--canvas", "lanczos", "--faces-only")
    assert ran.status == 0
    assert "nothing was written" in ran.err
    assert not (tmp_path / "out2").exists() or not list((tmp_path / "out2").iterdir())

    ran = faceprior("upscale", *common, "-o", tmp_path / "out3", "--canvas", "bicubic")
    assert ran.status == 2
    assert "--canvas bicubic" in ran.err


def test_a_run_that_is_stopped_leaves_nothing(faceprior, tmp_path, truth, monkeypatch):  # noqa: F811
    Image.fromarray(small(truth)).save(tmp_path / "a.png")
    (tmp_path / "none.json").write_text('{"a.png": []}')
    monkeypatch.setattr(canvas_tiles, "TILE", 2 * canvas_tiles.MARGIN + 16)
    calls, real = [], painting.enlarged_tile

    def stopped(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(painting, "enlarged_tile", stopped)
    out = tmp_path / "out"
    ran = faceprior(
        "upscale", "--photos", "--boxes", tmp_path / "none.json", tmp_path / "a.png", "-o", out, "--canvas", "network"
    )
    assert ran.status == 130
    assert not out.exists() or not [p for p in out.rglob("*") if p.is_file()]


def test_python_and_alpha(truth):
    rgba = np.dstack([small(truth)[:40, :50], np.tile(np.arange(50, dtype=np.uint8) * 5, (40, 1))])
    result = package.upscale(rgba, boxes=[], scale=2, canvas="network", threads=1)
    assert result.canvas.kind == "network"
    assert result.image.shape == (80, 100, 4)
    plain = package.upscale(rgba, boxes=[], scale=2, canvas="lanczos", threads=1)
    np.testing.assert_array_equal(result.image[..., 3], plain.image[..., 3])
    with pytest.raises(FacepriorError, match="canvas"):
        package.upscale(rgba, boxes=[], canvas="nearest")


@pytest.mark.parametrize(("scale", "size"), [(1.5, (75, 60)), (2.0, (100, 80)), (3.3, (165, 132)), (1, (50, 40))])
def test_fractions_of_a_scale(truth, scale, size):
    """Of the photo the same as at the next whole scale, reduced; the faces' marks stay the photo's own."""
    rgba = np.dstack([small(truth)[:40, :50], np.tile(np.arange(50, dtype=np.uint8) * 5, (40, 1))])
    result = package.upscale(rgba, boxes=[(10, 5, 20, 20)], scale=scale, canvas="network", threads=1)
    assert result.photo.size == size and result.scale == scale and isinstance(result.scale, int) == (scale in (1, 2))
    assert result.image.shape == (size[1], size[0], 4)
    whole = package.upscale(rgba, boxes=[(10, 5, 20, 20)], scale=int(np.ceil(scale)), canvas="network", threads=1)
    reduced = np.asarray(whole.photo.resize(size, Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(np.asarray(result.photo), reduced)
    assert result.faces[0].detection == whole.faces[0].detection


def test_a_fraction_from_the_command(faceprior, tmp_path, truth):  # noqa: F811
    Image.fromarray(small(truth)).save(tmp_path / "a.png", dpi=(100, 100))
    (tmp_path / "none.json").write_text('{"a.png": []}')
    common = ("upscale", "--photos", "--boxes", tmp_path / "none.json", tmp_path / "a.png")
    assert faceprior(*common, "-o", tmp_path / "o", "--scale", "2.5").status == 0
    (photo,) = (tmp_path / "o").rglob("a.png")
    with Image.open(photo) as made:
        assert made.size == (round(2.5 * small(truth).shape[1]), round(2.5 * small(truth).shape[0]))
        assert made.info["dpi"][0] == pytest.approx(250, abs=0.1)
    assert json.loads((tmp_path / "o" / "a.json").read_text())["scale"] == 2.5
    ran = faceprior(*common, "-o", tmp_path / "p", "--scale", "0.5")
    assert ran.status == 2 and "--scale 0.5: expected a number from 1 to 8" in ran.err


def test_what_is_no_canvas_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"\x12\x03abc")
    with pytest.raises(FacepriorError, match="not the model of a canvas"):
        load_canvas(tmp_path / "a.onnx")
    (tmp_path / "b.onnx").write_bytes(b"\xff" * 40)
    with pytest.raises(FacepriorError, match="not the model of a canvas"):
        load_canvas(tmp_path / "b.onnx")
    with pytest.raises(FacepriorError, match="no such"):
        load_canvas(tmp_path / "c.onnx")


def test_decoded_quality_survives_orientation():
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (20, 30)).save(file, "JPEG", quality=80, exif=exif)
    picture = read_bytes(file.getvalue(), "a.jpg")
    assert isinstance(picture, DecodedImage)
    assert picture.rgb.shape == (20, 30, 3)
    assert picture.quality == pytest.approx(80, abs=1)
