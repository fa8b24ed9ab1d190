"""Clips: fields, the shape of pixels, colours by their tags, HDR. What is decoded is compared plane by plane."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

av = pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")

from clips import RATE, decoded, grey, planes_of, tags_of, to_rgb, to_yuv, write_clip  # noqa: E402

from faceprior import FacepriorError  # noqa: E402
from faceprior.photo.boxes import Detection  # noqa: E402
from faceprior.photo.options import PhotoOptions  # noqa: E402
from faceprior.runtime.weights import ASSETS  # noqa: E402
from faceprior.video.convert import VideoReport, upscale_video  # noqa: E402
from faceprior.video.fields import combed  # noqa: E402
from faceprior.video.read import Video  # noqa: E402

COLOURS = np.array(
    [(0.79, 0.12, 0.12), (0.12, 0.79, 0.12), (0.12, 0.12, 0.79), (0.2, 0.7, 0.6), (0.92,) * 3, (0.05,) * 3]
)
ROUNDED = 4  # levels that a colour of 8 bits may lie off for being rounded as YUV, twice
LOSSLESS = {"x265-params": "lossless=1:log-level=error"}
needs_265 = pytest.mark.skipif("libx265" not in av.codecs_available, reason="this PyAV has no libx265")


class Stripes:
    """A network that makes every face stripes, which stand out from any clip."""

    def __call__(self, lr):
        stripes = np.where(np.arange(128)[:, None, None] // 8 % 2, 255, 0) * np.ones((1, 128, 3))
        return SimpleNamespace(
            images=np.repeat(stripes[None].astype(np.uint8), len(lr), 0),
            heatmaps=np.zeros((len(lr), 4, 64, 64), np.float32),
            transforms=np.repeat(np.eye(2, 3)[None], len(lr), 0),
        )


def upscaled(clip: Path, folder: Path, scale: int = 1, faces: tuple[Detection, ...] = (), **options) -> VideoReport:
    return upscale_video(clip, folder, Stripes(), lambda rgb: list(faces), PhotoOptions(scale, **options))


def bars(width: int = 192, height: int = 64) -> np.ndarray:
    """Six upright bars, float (H, W, 3)."""
    return np.repeat(np.repeat(COLOURS[None], width // 6, 1), height, 0)


def seen(path: Path, index: int = 0) -> np.ndarray:
    """A frame by the tags of its file: float (H, W, 3), 0..1."""
    matrix, range, _, _ = tags_of(path)
    frame = decoded(path)[index]
    return to_rgb(planes_of(frame), matrix, range == 2, 10 if "10" in frame.format.name else 8)


def in_the_bars(rgb: np.ndarray) -> np.ndarray:
    """The middle of each bar, (6, 3)."""
    h, w = rgb.shape[0] // 4, rgb.shape[1] // 18
    return np.stack([part[h:-h, w:-w].mean((0, 1)) for part in np.split(rgb, 6, 1)])


def portrait(width: int, height: int) -> np.ndarray:
    with Image.open(ASSETS / "astronaut.jpg") as image:
        return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)) / 255.0


# Colours


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("matrix", "primaries", "transfer"), [(1, 1, 1), (5, 5, 6), (6, 6, 6), (7, 7, 7), (9, 9, 14), (1, 1, 13)]
)
def test_colours_and_tags_stay(tmp_path, matrix, primaries, transfer, full):
    tags = (matrix, 2 if full else 1, primaries, transfer)
    clip = write_clip(tmp_path / "bars.mp4", [to_yuv(bars(), matrix, full)] * 2, tags=tags)
    assert tags_of(clip) == tags
    report = upscaled(clip, tmp_path / "out", 2)
    assert tags_of(report.target) == tags
    assert np.abs(in_the_bars(seen(report.target)) - COLOURS).max() * 255 < ROUNDED
    assert np.abs(in_the_bars(seen(report.target)) - in_the_bars(seen(clip))).max() * 255 < 2


@pytest.mark.parametrize(("size", "matrix"), [((192, 64), 5), ((768, 576), 5), ((960, 720), 1), ((1284, 544), 1)])
def test_untagged_colours_are_taken_as_players_take_them_and_tagged(tmp_path, size, matrix):
    clip = write_clip(tmp_path / "bars.mp4", [to_yuv(bars(*size), matrix)])
    assert tags_of(clip)[0] == 2
    report = upscaled(clip, tmp_path / "out", 1)
    assert tags_of(report.target)[0] == matrix  # enlarged, a player would guess anew, and wrongly
    assert np.abs(in_the_bars(seen(report.target)) - COLOURS).max() * 255 < 2


def test_the_detector_sees_the_true_colours(tmp_path):
    looked = []
    for matrix in (1, 5, 9):
        clip = write_clip(tmp_path / f"{matrix}.mp4", [to_yuv(bars(), matrix)], tags=(matrix, 1, 2, 2))
        with Video(clip) as video:
            frame = next(video.read(lambda packet: None))
            looked.append(video.raster.seen(frame.pixels))
    for rgb in looked:
        assert rgb.dtype == np.uint8
        assert np.abs(in_the_bars(rgb / 255.0) - COLOURS).max() * 255 < 2


def test_colours_that_cannot_be_read_are_refused(tmp_path):
    clip = write_clip(tmp_path / "odd.mp4", grey(), tags=(8, 1, 1, 1))
    with pytest.raises(FacepriorError, match=r"odd\.mp4: its colours are coded as YCgCo, which cannot be read here"):
        upscaled(clip, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# HDR and more than 8 bits


@needs_265
@pytest.mark.parametrize(("matrix", "primaries", "transfer"), [(9, 9, 18), (9, 9, 16), (9, 9, 14), (1, 1, 1)])
def test_ten_bits_stay_ten_bits(tmp_path, matrix, primaries, transfer):
    tags = (matrix, 1, primaries, transfer)
    ramp = np.linspace(0.1, 0.9, 192)[None, :, None] * np.ones((64, 1, 3))  # 8 bits would make steps of it
    planes = [to_yuv(bars(), matrix, bits=10), to_yuv(ramp, matrix, bits=10)]
    clip = write_clip(tmp_path / "hdr.mp4", planes, codec="libx265", tags=tags, options=LOSSLESS)
    report = upscaled(clip, tmp_path / "out", 2)
    assert tags_of(report.target) == tags and decoded(report.target)[0].format.name == "yuv420p10le"
    with av.open(str(report.target)) as file:
        assert file.streams.video[0].codec_context.codec_tag == "hvc1"
    assert np.abs(in_the_bars(seen(report.target)) - COLOURS).max() * 255 < 2
    luma = planes_of(decoded(report.target)[1])[0][64].astype(int)
    assert len(np.unique(luma)) > 300  # of 384 columns and 700 levels; 175 levels in 8 bits
    assert [note for note in report.notes if "bits" in note] == []


@needs_265
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_hdr_clips_of_a_few_frames(tmp_path, count):
    planes = [to_yuv(bars(), 9, bits=10)] * count
    clip = write_clip(tmp_path / "hdr.mp4", planes, codec="libx265", tags=(9, 1, 9, 18), options=LOSSLESS)
    after = decoded(upscaled(clip, tmp_path / "out").target)
    assert [round(frame.time * RATE) for frame in after] == list(range(count))


@needs_265
@pytest.mark.parametrize("transfer", [16, 18])
def test_a_face_of_an_hdr_clip_is_restored_in_its_light(tmp_path, transfer):
    """Stripes in a face between two greys of the clip's signal; everything else as in the plain enlargement."""
    level = 0.5
    planes = [to_yuv(np.full((96, 96, 3), level), 9, bits=10)] * 8
    clip = write_clip(tmp_path / "hdr.mkv", planes, codec="libx265", tags=(9, 1, 9, transfer), options=LOSSLESS)
    face = Detection((36, 36, 20, 20))
    with_face, plain = (seen(upscaled(clip, tmp_path / name, 2, faces).target, 7)
                        for name, faces in (("face", (face,)), ("plain", ())))  # fmt: skip
    assert np.abs(plain - level).max() * 255 < 1
    changed = np.abs(with_face - plain).max(-1) * 255
    assert changed[80:100, 80:100].max() > 20  # the stripes
    assert changed[:48].max() < 2 and changed[140:].max() < 2 and changed[:, :48].max() < 2
    assert abs(with_face[76:108, 76:108].mean() - level) < 0.06  # its tone is the clip's


@needs_265
def test_the_limits_of_light_of_hdr10_are_kept(tmp_path):
    master = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    options = {"x265-params": f"log-level=error:hdr10=1:master-display={master}:max-cll=800,200"}
    clip = write_clip(tmp_path / "hdr10.mp4", [to_yuv(bars(), 9, bits=10)], codec="libx265", tags=(9, 1, 9, 16),
                      options=options)  # fmt: skip
    report = upscaled(clip, tmp_path / "out", 2)
    for name in ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"):
        before, after = (bytes(decoded(p)[0].side_data[name]) for p in (clip, report.target))
        assert before == after and any(before)


@needs_265
def test_without_an_encoder_of_ten_bits_hdr_is_refused_and_the_rest_is_eight(tmp_path, monkeypatch):
    from faceprior.video import write

    hdr, deep = (
        write_clip(tmp_path / f"{name}.mp4", [to_yuv(bars(), 9, bits=10)], codec="libx265", tags=(9, 1, 9, transfer),
                   options=LOSSLESS) for name, transfer in (("hdr", 18), ("deep", 14))
    )  # fmt: skip
    monkeypatch.setattr(write, "encoders", lambda names: set(names) - {"libx265"})
    with pytest.raises(FacepriorError, match=r"hdr\.mp4: is HDR, and this PyAV cannot write 10 bits"):
        upscaled(hdr, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    report = upscaled(deep, tmp_path / "out", 2)
    assert any("written as 8" in note for note in report.notes)
    assert decoded(report.target)[0].format.name == "yuv420p" and tags_of(report.target) == (9, 1, 9, 14)
    assert np.abs(in_the_bars(seen(report.target)) - COLOURS).max() * 255 < 2


def test_light_of_single_frames_is_named_and_a_clip_that_needs_it_refused(tmp_path, monkeypatch):
    """Dolby Vision as phones film it lies over HLG; that of some films has a picture which only it makes sense of."""
    from faceprior.video import light, read

    held = light._data
    monkeypatch.setattr(light, "_data", lambda frame, name: b"rpu" if name == "DOVI_RPU_BUFFER" else held(frame, name))
    phone = write_clip(tmp_path / "phone.mp4", grey(), tags=(9, 1, 9, 18))
    film = write_clip(tmp_path / "film.mp4", grey())
    with read.Video(phone) as video:
        assert len(list(video.read(lambda packet: None))) == 3
        assert video.notes == ["its Dolby Vision data is left out; the picture under it stays"]
    with pytest.raises(FacepriorError, match=r"film\.mp4: Dolby Vision without a picture that others can show"):
        upscaled(film, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


# The shape of pixels


def test_the_shape_of_pixels_is_kept_and_undone_for_the_detector(tmp_path):
    """A square of 32 pixels, stored 16 columns wide: the detector finds it square, the stripes go where it is."""
    stored = np.full((96, 64, 3), 0.3)
    stored[32:64, 24:40] = 0.6
    clip = write_clip(tmp_path / "wide.mp4", [to_yuv(stored, 5)] * 8, aspect=Fraction(2), tags=(5, 1, 5, 6))
    shapes = []

    def detector(rgb):
        shapes.append(rgb.shape)
        lit = np.argwhere(rgb[..., 1] > 115)
        (y0, x0), (y1, x1) = lit.min(0), lit.max(0) + 1
        assert abs((x1 - x0) - (y1 - y0)) <= 1
        return [Detection((x0, y0, x1 - x0, y1 - y0))]

    report = upscale_video(clip, tmp_path / "out", Stripes(), detector, PhotoOptions(2))
    plain = upscaled(clip, tmp_path / "plain", 2)
    assert set(shapes) == {(96, 128, 3)} and report.faces == {1: 8}
    with av.open(str(report.target)) as file:
        assert file.streams.video[0].sample_aspect_ratio == 2
        assert (file.streams.video[0].width, file.streams.video[0].height) == (128, 192)
    changed = np.abs(seen(report.target, 7) - seen(plain.target, 7)).max(-1) > 0.08
    rows, columns = np.argwhere(changed).T
    assert abs(columns.mean() - 63.5) < 2 and abs(rows.mean() - 95.5) < 6  # in the middle of the square
    assert 1.6 < np.ptp(rows) / np.ptp(columns) < 2.6  # as high as wide on a screen
    assert not changed[:, :16].any() and not changed[:16].any()


@pytest.mark.skipif(not hasattr(av.VideoStream, "set_display_rotation"), reason="this PyAV writes no rotation")
@pytest.mark.parametrize(("rotation", "expected"), [(0, Fraction(4, 3)), (-90, Fraction(3, 4)), (180, Fraction(4, 3))])
def test_a_turned_clip_has_turned_pixels(tmp_path, rotation, expected):
    picture = portrait(64, 48)
    clip = write_clip(tmp_path / "t.mp4", [to_yuv(picture, 5)] * 2, aspect=Fraction(4, 3), rotation=rotation,
                      tags=(5, 1, 5, 6))  # fmt: skip
    report = upscaled(clip, tmp_path / "out", 1)
    with av.open(str(report.target)) as file:
        assert file.streams.video[0].sample_aspect_ratio == expected
        assert next(file.decode(video=0)).rotation == 0  # it is upright by itself
    shown = np.rot90(planes_of(decoded(clip)[0])[0], rotation // 90).astype(float)
    luma = planes_of(decoded(report.target)[0])[0]
    assert luma.shape == shown.shape and np.abs(luma - shown).mean() < 3


def test_a_shape_that_nobody_means_is_named(tmp_path):
    clip = write_clip(tmp_path / "t.mp4", grey(), aspect=Fraction(20))
    with Video(clip) as video:
        assert video.aspect == 1 and "pixels of 20:1 are taken for a wrong tag, and for square ones" in video.notes


# Fields


def interlaced(path: Path, steps: list[int], codec: str = "mpeg2video") -> tuple[Path, list[np.ndarray]]:
    """Two fields a frame, the lower first as on tapes, the picture moved to `steps` columns; and what each first is."""
    picture = portrait(192, 192)
    moments = [np.roll(picture, step, 1) for step in steps]
    frames = []
    for first, second in zip(moments[::2], moments[1::2], strict=True):
        woven = first.copy()
        woven[::2] = second[::2]
        frames.append(to_yuv(woven, 5))
    flags = {"flags": "+ildct+ilme", "q": "2"} if codec == "mpeg2video" else {"flags": "+ildct+ilme", "crf": "10"}
    clip = write_clip(path, frames, codec=codec, options=flags, tags=(5, 1, 5, 6))
    assert all(frame.interlaced_frame for frame in decoded(clip))
    return clip, moments[::2]


@pytest.mark.parametrize(
    ("name", "codec", "steps"),
    [
        ("tape.mpg", "mpeg2video", list(range(0, 48, 3))),  # all moves
        ("tape.mp4", "libx264", list(range(0, 48, 3))),
        ("frozen.mpg", "mpeg2video", [0, 6] * 8),  # a freeze frame with two moments in it
    ],
)
def test_fields_become_whole_frames(tmp_path, name, codec, steps):
    clip, moments = interlaced(tmp_path / name, steps, codec)
    report = upscaled(clip, tmp_path / "out", 1)
    assert "interlaced: its fields were made whole frames first" in report.notes
    before, after = decoded(clip), decoded(report.target)
    assert len(after) == len(before) == len(moments) == report.frames
    assert not any(frame.interlaced_frame for frame in after)
    with av.open(str(report.target)) as file:
        assert getattr(file.streams.video[0].codec_context, "field_order", 1) == 1  # progressive
    lumas = [planes_of(frame)[0] for frame in after]
    assert all(combed(planes_of(frame)[0]) for frame in before) and not any(combed(luma) for luma in lumas)
    for luma, moment, woven in zip(lumas, moments, before, strict=True):
        truth = to_yuv(moment, 5)[0].astype(float)
        assert np.abs(luma - truth).mean() < 0.5 * np.abs(planes_of(woven)[0] - truth).mean()
    assert [b.time - a.time for a, b in pairwise(after)] == pytest.approx([1 / RATE] * (len(after) - 1), abs=1e-3)


def test_what_rests_keeps_its_lines(tmp_path):
    """Interlaced frames in which nothing moves lose nothing; a spatial filter alone would halve their height."""
    truth = to_yuv(portrait(192, 192), 5)
    options = {"flags": "+ildct+ilme", "q": "2"}
    clip = write_clip(tmp_path / "rest.mpg", [truth] * 6, codec="mpeg2video", options=options)
    report = upscaled(clip, tmp_path / "out", 1)
    before, after = (np.abs(np.diff(planes_of(decoded(p)[3])[0].astype(float), 2, axis=0)).mean()
                     for p in (clip, report.target))  # fmt: skip
    assert after > 0.85 * before  # detail between neighbouring lines


def test_whole_frames_are_not_touched(tmp_path):
    clip = write_clip(tmp_path / "p.mp4", [to_yuv(portrait(64, 64), 5)] * 3, tags=(5, 1, 5, 6))
    report = upscaled(clip, tmp_path / "out", 1)
    assert not any("interlaced" in note for note in report.notes)
    before, after = (planes_of(decoded(p)[2])[0].astype(float) for p in (clip, report.target))
    assert np.abs(before - after).mean() < 3


# The cases that came from people


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    ["anamorphic.mp4", "hlg.mp4", "bars-bt2020.mp4", "red-hd-untagged.mp4", "interlaced.mp4", "unknown-sound.mov",
     "aac-and-unknown-sound.mov"],
)  # fmt: skip
def test_the_cases(data_folder, tmp_path, name):
    clip = data_folder.parent / "cases" / name
    if not clip.exists():
        pytest.skip(f"{clip} is not there")
    report = upscaled(clip, tmp_path, 2)
    before, after = decoded(clip), decoded(report.target)
    assert len(before) == len(after)
    matrix, range, primaries, transfer = tags_of(clip)
    hd = before[0].height >= 720
    expected = (matrix if matrix != 2 else 1 if hd else 5, max(range, 1), primaries, transfer)
    assert tags_of(report.target) == expected
    if "interlaced" in name:
        assert combed(planes_of(before[1])[0]) and not any(combed(planes_of(f)[0]) for f in after)
        return
    bits = 10 if "10" in before[0].format.name else 8
    assert after[0].format.name == before[0].format.name
    truth = to_rgb(planes_of(before[0]), expected[0], bits=bits)
    reduced = seen(report.target).reshape(truth.shape[0], 2, truth.shape[1], 2, 3).mean((1, 3))
    flat = np.abs(np.diff(truth, axis=1, append=truth[:, -1:])).max(-1) < 1 / 255  # where nothing is sharpened
    assert flat.any() and np.abs(reduced - truth)[flat].mean() * 255 < 2


@pytest.mark.parametrize(("name", "codec", "kind"), [("a.webm", "libvpx-vp9", "yuva420p"), ("a.mov", "png", "rgba")])
def test_transparency_is_named(tmp_path, name, codec, kind):
    if codec not in av.codecs_available:
        pytest.skip(f"no {codec} here")
    with av.open(str(tmp_path / name), "w") as container:
        track = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt=kind)
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 4), 128, np.uint8), format="rgba")
        container.mux([*track.encode(frame.reformat(format=kind)), *track.encode(None)])
    with Video(tmp_path / name) as video:
        assert "its transparency is left out" in video.notes
