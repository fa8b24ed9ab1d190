"""Clips: who is which number. The JSON and the sheet say it, and `--faces` takes it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

av = pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")

from clips import RATE, decoded, planes_of, to_yuv, write_clip  # noqa: E402
from command import faceprior  # noqa: E402, F401  a fixture

from faceprior.photo.boxes import Detection  # noqa: E402
from faceprior.photo.options import PhotoOptions  # noqa: E402
from faceprior.runtime.pictures import GAP  # noqa: E402
from faceprior.video.cast import CELL, MAX_SHOWN, Cast  # noqa: E402
from faceprior.video.convert import upscale_video  # noqa: E402
from faceprior.video.sheet import HEAD, LINE, cast_sheet  # noqa: E402

FRAMES = 20
# Each a patch of its own colour: its box, from which frame on it is there.
RED, GREEN, BLUE = (0.8, 0.2, 0.2), (0.2, 0.7, 0.2), (0.2, 0.2, 0.8)
PATCHES = {RED: ((20, 20, 20, 20), 0), GREEN: ((70, 20, 24, 24), 0), BLUE: ((30, 70, 80, 80), 10)}


class White:
    """A network whose faces have white stripes."""

    def __call__(self, lr):
        stripes = np.where(np.arange(128)[:, None, None] // 8 % 2, 255, 0) * np.ones((1, 128, 3))
        return SimpleNamespace(
            images=np.repeat(stripes[None].astype(np.uint8), len(lr), 0),
            heatmaps=np.zeros((len(lr), 4, 64, 64), np.float32),
            transforms=np.repeat(np.eye(2, 3)[None], len(lr), 0),
        )


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    frames = []
    for i in range(FRAMES):
        rgb = np.full((160, 160, 3), 0.4)
        for colour, ((x, y, w, h), start) in PATCHES.items():
            if i >= start:
                rgb[y : y + h, x : x + w] = colour
        frames.append(to_yuv(rgb, 1))
    return write_clip(tmp_path_factory.mktemp("cast") / "three.mp4", frames, tags=(1, 1, 1, 1))


def detector(rgb: np.ndarray) -> list[Detection]:
    """Finds the patches by their colours."""
    found = []
    for colour, (box, _) in PATCHES.items():
        x, y, w, h = box
        if np.abs(rgb[y + h // 2, x + w // 2] / 255.0 - colour).max() < 0.05:
            found.append(Detection(box, 0.9))
    return found


def test_the_table_and_the_sheet_say_who_is_who(clip, tmp_path):
    report = upscale_video(clip, tmp_path, White(), detector, PhotoOptions(2, max_size=40))
    assert report.sheet == tmp_path / "three.sheet.png"
    data = json.loads((tmp_path / "three.json").read_text())
    assert data["files"] == {"video": "three.mp4", "sheet": "three.sheet.png"}
    one, two, three = data["faces"]
    assert [f["number"] for f in (one, two, three)] == [1, 2, 3]
    assert (one["status"], one["frames"], one["seen"]["box"]) == ("restored", FRAMES, [20, 20, 20, 20])
    assert two["seen"]["box"] == [70, 20, 24, 24]
    assert one["first"] == {"frame": 0, "seconds": 0.0}
    assert one["last"] == {"frame": FRAMES - 1, "seconds": (FRAMES - 1) / RATE}
    assert three["first"]["frame"] == 10 and three["seen"]["box"] == [30, 70, 80, 80]
    assert (three["status"], three["frames"]) == ("left", 0) and three["reason"].startswith("too large: ")
    (note,) = (note for note in report.notes if "1 face of more than 40 px of detail" in note)
    assert 40 < int(note.partition("--max-size ")[2].split()[0]) <= 94

    # On the sheet: each patch in its colour, and beside it what it became, where it became something.
    sheet = np.asarray(Image.open(tmp_path / "three.sheet.png").convert("RGB"), float)
    width, top = 2 * CELL + GAP, GAP + HEAD + 2 * LINE
    columns = (sheet.shape[1] - GAP) // width
    for i, (colour, restored) in enumerate(((RED, True), (GREEN, True), (BLUE, False))):
        x, y = GAP + i % columns * width, top + i // columns * (HEAD + 2 * LINE + CELL + GAP)
        assert np.abs(sheet[y + 50 : y + 78, x + 50 : x + 78].mean((0, 1)) / 255 - colour).max() < 0.03
        assert (np.ptp(sheet[y + 10 : y + 118, x + CELL + 64]) > 200) == restored
        assert np.ptp(sheet[y - 2 * LINE - HEAD : y - 2 * LINE, x : x + 20]) > 100  # its number


def test_a_number_from_the_sheet_is_the_face_that_is_restored(clip, tmp_path):
    outputs = {}
    for chosen in ((1,), (2,), (1, 7)):
        report = upscale_video(clip, tmp_path / str(chosen), White(), detector, PhotoOptions(2, faces=chosen))
        assert report.faces == {chosen[0]: FRAMES}
        outputs[chosen] = planes_of(decoded(report.target)[-1])[0].astype(float)
        told = json.loads((tmp_path / str(chosen) / "three.json").read_text())["faces"]
        others = [face for face in told if face["frames"] == 0]
        assert len(others) == 2 and {f["reason"] for f in others} == {"not chosen"}
        assert ("there is no face 7: 3 followed" in report.notes) == (7 in chosen)
    first, second = np.s_[44:76, 44:76], np.s_[48:80, 148:180]
    change = np.abs(outputs[(1,)] - outputs[(2,)])
    assert change[first].max() > 15 and change[second].max() > 15
    assert outputs[(1,)][first].std() > 3 * outputs[(2,)][first].std()
    assert outputs[(2,)][second].std() > 3 * outputs[(1,)][second].std()


def test_the_command_writes_the_sheet_or_not(clip, tmp_path, faceprior, monkeypatch):  # noqa: F811
    from faceprior.cli import photos  # noqa: F401  it takes the real one for good, before that is replaced
    from faceprior.photo import detect

    monkeypatch.setattr(detect, "make_detector", lambda *_, **__: detector)
    ran = faceprior("upscale", clip, "--scale", "1", "-o", tmp_path / "a")
    assert ran.status == 0 and "(numbered in three.sheet.png)" in ran.out and (tmp_path / "a/three.sheet.png").is_file()
    ran = faceprior("upscale", clip, "--scale", "1", "-o", tmp_path / "b", "--no-sheet")
    assert ran.status == 0 and sorted(p.name for p in (tmp_path / "b").iterdir()) == ["three.json", "three.mp4"]
    (tmp_path / "b/three.sheet.png").write_bytes(b"mine")  # a sheet is not overwritten either
    (tmp_path / "b/three.json").unlink()
    (tmp_path / "b/three.mp4").unlink()
    ran = faceprior("upscale", clip, "--scale", "1", "-o", tmp_path / "b")
    assert ran.status == 2 and "three.sheet.png: exists; --overwrite replaces" in ran.err
    assert (tmp_path / "b/three.sheet.png").read_bytes() == b"mine"


def test_a_crowd_takes_no_more_memory_than_a_sheet_shows():
    cast, rgb = Cast(), np.zeros((32, 32, 3), np.uint8)
    here = {n: Detection((4, 4, 12, 12)) for n in range(1, MAX_SHOWN + 60)}
    cast.see(rgb, 0, 0.0, here, set(here), {})
    cast.close({}, PhotoOptions(), 60.0)
    members = list(cast.members.values())
    assert len(members) == MAX_SHOWN + 59
    assert sum(m.best.picture is not None for m in members) == MAX_SHOWN
    assert cast_sheet(members).width < 2000


def test_nobody_makes_no_sheet(tmp_path, clip):
    report = upscale_video(clip, tmp_path, White(), lambda rgb: [], PhotoOptions(1))
    assert report.sheet is None and report.notes == ["no face restored"]
    assert not (tmp_path / "three.sheet.png").exists()
