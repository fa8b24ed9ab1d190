"""Many photos through the batch and through the command: files, JSON, resume, one bad file, exit status."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageCms
from textures import texture

from faceprior.photo.batch import Job, upscale_photos
from faceprior.photo.boxes import Detection
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.sheet import contact_sheet
from faceprior.runtime.pictures import BACKGROUND

FACES = [Detection((20.0, 20.0, 24.0, 30.0), 0.9), Detection((80.0, 22.0, 90.0, 110.0), 0.8)]


class Network:
    """Bicubic, upright; counts its calls."""

    def __init__(self):
        self.calls = 0

    def locate(self, lr):
        return np.repeat(np.array([[[1, 0, 0], [0, 1, 0]]], np.float32), len(lr), 0)

    def __call__(self, lr):
        self.calls += 1
        n = len(lr)
        images = [np.asarray(Image.fromarray(x).resize((128, 128), Image.Resampling.BICUBIC)) for x in lr]
        return SimpleNamespace(
            images=np.stack(images),
            heatmaps=np.zeros((n, 4, 64, 64), np.float32),
            transforms=np.repeat(np.array([[[1, 0, 0], [0, 1, 0]]], np.float32), n, 0),
        )


def detector(rgb):
    return FACES


detector.name = "ours"


def photo(path: Path, mode: str = "RGB", **saving) -> Path:
    Image.fromarray(texture(180, 240, len(mode)).squeeze(), mode).save(path, **saving)
    return path


def jobs(*paths: Path) -> list[Job]:
    return [Job(path, Path(), path.stem) for path in paths]


def test_the_sheet_shows_nothing_from_beyond_the_photo():
    rgb = np.full((64, 200, 3), 200, np.uint8)
    at_corner, other = Detection((-15.0, -15.0, 30.0, 30.0), 0.9), Detection((110.0, -40.0, 80.0, 80.0), 0.9)

    class Near(Network):
        """Sees the face 0.8 times as wide as its cut."""

        def locate(self, lr):
            return super().locate(lr) * np.float32(0.8)

        def __call__(self, lr):
            return SimpleNamespace(**{**vars(super().__call__(lr)), "transforms": self.locate(lr)})

    options = PhotoOptions(canvas="lanczos", faces=(1,))
    result = upscale_photo(rgb, Near(), lambda rgb: [at_corner, other], options)
    assert [face.restored for face in result.faces] == [True, False]
    sheet = np.asarray(contact_sheet(result))
    cells = [sheet[y + 14 : y + 142, 6 + x : 134 + x] for y in (6, 154) for x in (0, 128, 256)]
    dark = [(cell == BACKGROUND).all(-1) for cell in cells[:4]]
    (x, y), side = result.faces[0].frame.centre, result.faces[0].frame.side
    for shown, width in ((dark[0], 1.0), (dark[1], 0.8), (dark[2], 0.8)):  # what the network saw; what it drew
        column, row = (round(64 - (c + 0.5) / side * 128 / width) for c in (x, y))  # of the photo's first pixel
        expected = np.ones((128, 128), bool)
        expected[row:, column:] = False
        assert 0.3 < expected.mean() < 0.8 and (shown == expected).mean() > 0.98
    assert dark[3][:60].all() and not dark[3][70:].any()  # of a face that was left, too


def test_everything_a_photo_gives(tmp_path):
    out, source = tmp_path / "out", photo(tmp_path / "party.jpg", quality=95)
    about = {"model": {"name": "stand-in", "version": "1"}}
    summary = upscale_photos(jobs(source), out, Network(), detector, PhotoOptions(max_size=59), about=about)
    assert summary.exit_status == 0
    assert summary.text() == "1 photo done, 0 skipped, 0 failed; 1 face restored, 1 left (too large: 1)"
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    face = {"party/01.png", "party/01.lr.png", "party/01.heatmap.png"}
    assert names == {"party.jpg", "party.json", "party.sheet.png", *face}
    with Image.open(out / "party.jpg") as image:
        assert image.size == (960, 720)
    with Image.open(out / "party/01.lr.png") as image:
        assert image.size == (16, 16)
    data = json.loads((out / "party.json").read_text())
    assert (data["photo"], data["width"], data["height"], data["scale"]) == ("party.jpg", 240, 180, 4)
    assert data["model"] == about["model"] and data["settings"]["detector"] == "ours"
    restored, left = data["faces"]
    assert restored["status"] == "restored" and restored["box"] == [20, 20, 24, 30] and restored["score"] == 0.9
    assert restored["files"]["image"] == "party/01.png" and restored["lr_consistency_db"] > 20
    assert set(restored["components"]) == {"eyes", "nose", "mouth", "chin"}
    assert np.shape(restored["transform"]) == (2, 3)
    assert left["status"] == "left" and left["reason"].startswith("too large: ")
    assert not list(out.rglob("*.part"))


def test_one_bad_file_never_stops_the_rest(tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff nothing")
    paths = [photo(tmp_path / "a.png"), bad, tmp_path / "absent.png", photo(tmp_path / "b.png")]
    seen = []
    for workers in (1, 3):
        summary = upscale_photos(
            jobs(*paths), tmp_path / f"out{workers}", Network(), detector, workers=workers, on_done=seen.append
        )
        assert summary.exit_status == 1
        assert {outcome.photo.name for outcome in summary.failed} == {"bad.jpg", "absent.png"}
        assert all("\n" not in outcome.reason for outcome in summary.failed)
        assert (tmp_path / f"out{workers}" / "b.png").exists()
    assert len(seen) == 8


def test_a_defect_in_one_photo_is_reported_as_such(tmp_path):
    def broken(rgb):
        raise RuntimeError("unforeseen")

    summary = upscale_photos(jobs(photo(tmp_path / "a.png")), tmp_path / "out", Network(), broken)
    assert "internal error (RuntimeError: unforeseen)" in summary.failed[0].reason


def test_resume_skips_what_is_done_with_the_same_settings(tmp_path):
    paths, out, network = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png")], tmp_path / "out", Network()
    upscale_photos(jobs(paths[0]), out, network, detector)
    summary = upscale_photos(jobs(*paths), out, network, detector, resume=True)
    assert [outcome.status for outcome in summary.outcomes] == ["skipped", "done"]
    assert network.calls == 2
    assert upscale_photos(jobs(*paths), out, network, detector).failed[0].reason.count("--overwrite") == 1
    summary = upscale_photos(jobs(*paths), out, network, detector, PhotoOptions(scale=2), resume=True)
    assert summary.count("done") == 2
    (out / "a.json").write_text((out / "a.json").read_text()[:100])  # cut short
    (out / "b.sheet.png").unlink()
    summary = upscale_photos(jobs(*paths), out, network, detector, PhotoOptions(scale=2), resume=True)
    assert summary.count("done") == 2


def test_an_input_is_never_replaced(tmp_path):
    source = photo(tmp_path / "a.png")
    before = source.read_bytes()
    summary = upscale_photos(jobs(source), tmp_path, Network(), detector, overwrite=True)
    assert "is an input" in summary.failed[0].reason
    assert source.read_bytes() == before


def test_profile_and_alpha_are_kept(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = tmp_path / "out"
    colour, clear = photo(tmp_path / "a.jpg", icc_profile=profile), photo(tmp_path / "b.png", "RGBA")
    upscale_photos(jobs(colour, clear), out, Network(), detector)
    with Image.open(out / "a.jpg") as image:
        assert image.info["icc_profile"] == profile
    with Image.open(out / "b.png") as image:
        assert image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 100


def test_a_photo_without_faces_is_said_first_and_written_where_asked(tmp_path):
    out = tmp_path / "out"
    summary = upscale_photos(jobs(photo(tmp_path / "a.bmp")), out, Network(), lambda rgb: [])
    assert summary.outcomes[0].notes == ["nothing was restored; no face found"]
    assert {path.name for path in out.iterdir()} == {"a.png", "a.json"}
    only = PhotoOptions(faces_only=True)
    summary = upscale_photos(jobs(tmp_path / "a.bmp"), tmp_path / "out2", Network(), lambda rgb: [], only)
    assert summary.outcomes[0].notes == ["nothing was restored; no face found; nothing was written"]
    assert "1 photo done (1 not written)" in summary.text() and not (tmp_path / "out2").exists()
    only = PhotoOptions(faces_only=True, max_size=8)
    summary = upscale_photos(jobs(tmp_path / "a.bmp"), tmp_path / "out3", Network(), detector, only)
    assert summary.outcomes[0].notes == ["nothing was restored; all 2 faces were left; the photo was not written"]
    assert {path.name for path in (tmp_path / "out3").iterdir()} == {"a.json", "a.sheet.png"}


def test_boxes_take_the_place_of_a_detector(tmp_path):
    boxes = tmp_path / "boxes.json"
    boxes.write_text('{"a.png": [[20, 20, 24, 30]]}')
    paths = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png")]
    summary = upscale_photos(jobs(*paths), tmp_path / "out", Network(), None, boxes=boxes)
    assert [outcome.status for outcome in summary.outcomes] == ["done", "failed"]
    assert summary.outcomes[0].restored == 1


def test_the_python_call_takes_files_arrays_and_pillow_images(tmp_path):
    from faceprior import FacepriorError
    from faceprior.photo.api import decoded

    path = photo(tmp_path / "a.png")
    pixels = decoded(path).rgb
    assert (decoded(str(path)).rgb == pixels).all() and (decoded(pixels).rgb == pixels).all()
    with Image.open(path) as image:
        assert (decoded(image).rgb == pixels).all() and decoded(image).alpha is None
        assert decoded(image.convert("RGBA")).alpha.min() == 255
    for wrong in (pixels.astype(float), pixels[..., :2], np.empty((0, 4, 3), np.uint8), None):
        with pytest.raises(FacepriorError, match=r"expected a file, an image of Pillow, or uint8 \(H, W\)"):
            decoded(wrong)


@pytest.mark.parametrize(
    "bad",
    [{"scale": 0}, {"scale": 9}, {"strength": 1.5}, {"min_size": 2}, {"min_size": 70}, {"faces": (0,)}],
)
def test_options_are_checked(bad):
    from faceprior import FacepriorError

    with pytest.raises(FacepriorError, match="--"):
        PhotoOptions(**bad)


def test_jobs_keep_the_tree_and_share_no_names(tmp_path):
    from faceprior.cli.photos import jobs_for

    (tmp_path / "in" / "sub").mkdir(parents=True)
    names = ("in/a.jpg", "in/a.png", "in/sub/a.jpg")
    files = [photo(tmp_path / name) for name in names]
    made = jobs_for(files, [str(tmp_path / "in")])
    assert [(str(job.folder), job.stem) for job in made] == [(".", "a"), (".", "a-2"), ("sub", "a")]
