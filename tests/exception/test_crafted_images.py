"""The table of crafted files, each through `faceprior upscale` in both of its ways: the promised result."""

import re
from pathlib import Path

import numpy as np
import pytest
from command import any_model, faceprior, upscale  # noqa: F401  fixtures
from crafted_images import BAD, CASES, GOOD, RGB, saved
from cut_faces import restored
from PIL import Image

from faceprior.photo.decode import DecodedImage, any_number_of_pixels, read_image

MODES = pytest.mark.parametrize("mode", ["cropped", "photos"])


def written(folder: Path) -> list[Path]:
    """Pictures in the output folder: hidden files count, nothing may be left half-written."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json")


@MODES
@pytest.mark.parametrize("name", GOOD)
def test_read(name, mode, upscale, tmp_path):  # noqa: F811
    case, file, out = GOOD[name], tmp_path / name, tmp_path / "out"
    file.write_bytes(case.data)
    ran = upscale(mode, file, "-o", out)
    assert (ran.status, ran.err.count("failed")) == (0, 0), ran.err
    decoded = read_image(file)
    assert np.abs(decoded.rgb.astype(int) - case.rgb).mean() <= case.tolerance
    if case.alpha is None:
        assert decoded.alpha is None
    else:
        assert np.abs(decoded.alpha.astype(int) - case.alpha).max() <= 1
    if mode == "cropped":
        (result,) = written(out)
        assert result.name == f"{file.stem}.png"
        _same_as_network(result, DecodedImage(decoded.rgb, decoded.alpha))
        return
    result = out / name if (out / name).exists() else out / f"{file.stem}.png"
    with Image.open(result) as image:
        got = image.convert("RGBA" if case.alpha is not None else "RGB")
        assert image.size == case.rgb.shape[1::-1]
    if decoded.deep is not None:  # the result has 16 bits, too, of which Pillow cuts the lower ones off
        again = read_image(result)
        assert (again.deep == decoded.deep).all()
        got = np.dstack([again.rgb, again.alpha]) if case.alpha is not None else again.rgb
    lossy = 5 if result.suffix in (".jpg", ".webp") else 0
    assert np.abs(np.asarray(got)[..., :3].astype(int) - case.rgb).mean() <= case.tolerance + lossy
    if case.alpha is not None:
        assert np.abs(np.asarray(got)[..., 3].astype(int) - case.alpha).max() <= 1


def _same_as_network(result: Path, decoded: DecodedImage) -> None:
    from command import _load

    (expected,) = restored(_load(any_model()), [decoded])
    with Image.open(result) as image:
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - expected).max() <= 1


@MODES
@pytest.mark.parametrize("name", BAD)
def test_refused(name, mode, upscale, tmp_path):  # noqa: F811
    file, out = tmp_path / name, tmp_path / "out"
    file.write_bytes(BAD[name].data)
    ran = upscale(mode, file, "-o", out)
    assert ran.status == 2
    (line,) = ran.err.splitlines()
    assert line.startswith(("faceprior: error: ", "failed: "))
    assert str(file) in line
    assert re.search(BAD[name].refused, line), line
    assert "internal error" not in line
    assert not out.exists() or not list(out.rglob("*"))


@MODES
def test_all_bad_files_stop_no_good_one(mode, upscale, tmp_path):  # noqa: F811
    """Status 1, one line a failure, and the good file's result."""
    for name in BAD:
        (tmp_path / name).write_bytes(BAD[name].data)
    (tmp_path / "good.png").write_bytes(saved(RGB, "PNG"))
    names = [*list(BAD)[:9], "good.png", *list(BAD)[9:]]
    ran = upscale(mode, *(tmp_path / name for name in names), "-o", tmp_path / "out")
    assert ran.status == 1
    assert sum(line.startswith("failed: ") for line in ran.err.splitlines()) == len(BAD)
    assert [path.name for path in written(tmp_path / "out")] == ["good.png"]


@MODES
def test_the_limit_on_pixels_is_lifted_by_the_flag_alone(mode, upscale, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    file = tmp_path / "large.png"
    file.write_bytes(saved(RGB, "PNG"))
    assert "--no-pixel-limit" in upscale(mode, file, "-o", tmp_path / "out").err
    assert upscale(mode, file, "-o", tmp_path / "out", "--no-pixel-limit").status == 0
    assert Image.MAX_IMAGE_PIXELS == 500
    with any_number_of_pixels(False):
        assert Image.MAX_IMAGE_PIXELS == 500


def test_the_table_is_long_enough():
    assert len(CASES) >= 60
