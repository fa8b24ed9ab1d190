"""Video: a real clip (the packaged portrait, moving and growing, with a tone) through the command, and its calm."""

import json
import sys
import wave
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageOps

av = pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")

from faceprior.face.similarity import similarity_matrix  # noqa: E402
from faceprior.photo.boxes import Detection  # noqa: E402
from faceprior.photo.lossy import ALIKE  # noqa: E402
from faceprior.photo.options import PhotoOptions  # noqa: E402
from faceprior.runtime.weights import ASSETS  # noqa: E402
from faceprior.video.convert import upscale_video  # noqa: E402
from faceprior.video.read import quality_of  # noqa: E402
from faceprior.video.smooth import OneEuro  # noqa: E402
from faceprior.video.track import Tracker, between  # noqa: E402

FRAMES, RATE, SIZE = 22, 25, (160, 120)
PORTRAIT = json.loads((ASSETS / "astronaut.json").read_text())


def true_face(i: int, frames: int = FRAMES) -> tuple[float, float, float]:
    """Centre and side of the face in frame i, pixels."""
    part = i / frames
    return 60 + 40 * part, 50 + 10 * part, 24 + 8 * part


def picture(i: int) -> Image.Image:
    x, y, side = true_face(i)
    with Image.open(ASSETS / PORTRAIT["file"]) as image:
        factor = side / PORTRAIT["frame"]["side"]
        size = round(image.width * factor)
        small = image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", SIZE, (90, 110, 130))
    cx, cy = (v * factor for v in PORTRAIT["frame"]["centre"])
    frame.paste(small, (round(x - cx), round(y - cy)))
    return frame


def make_clip(path: Path, frames: int = FRAMES, audio: str | None = "aac", codec: str = "mpeg4") -> Path:
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=RATE)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.options = {"q": "2"}
        sound = out.add_stream(audio, rate=44_100, layout="mono") if audio else None
        for i in range(frames):
            out.mux(video.encode(av.VideoFrame.from_image(picture(i))))
        out.mux(video.encode(None))
        if sound is not None:
            samples = np.sin(np.arange(44_100 * frames // RATE) * 2 * np.pi * 440 / 44_100).astype(np.float32)
            for start in range(0, len(samples), 1024):
                frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
                frame.sample_rate, frame.pts, frame.time_base = 44_100, start, Fraction(1, 44_100)
                out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
    return path


def sound_of(path: Path) -> list[tuple[bytes, float]]:
    with av.open(str(path)) as file:
        return [(bytes(p), float(p.pts * p.time_base)) for p in file.demux(audio=0) if p.dts is not None]


def pictures_of(path: Path) -> tuple[list[np.ndarray], list[float], str]:
    with av.open(str(path)) as file:
        decoded = list(file.decode(video=0))
        name = file.streams.video[0].codec_context.name
    return [f.to_ndarray(format="rgb24") for f in decoded], [f.time for f in decoded], name


class Network:
    """Bicubic; its transforms jitter where asked."""

    def __init__(self, jitter: float = 0.0):
        self.jitter, self.random = jitter, np.random.default_rng(1)

    def __call__(self, lr):
        def transform():
            angle, scale, x, y = self.random.normal(0, self.jitter, 4)
            return similarity_matrix(200 * angle, np.exp(scale), x, y)

        return SimpleNamespace(
            images=np.stack([np.asarray(Image.fromarray(a).resize((128, 128), Image.Resampling.BICUBIC)) for a in lr]),
            heatmaps=np.zeros((len(lr), 4, 64, 64), np.float32),
            transforms=np.stack([transform() for _ in lr]),
        )


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip ü.mp4")


@pytest.fixture
def run(monkeypatch, capsys):
    from faceprior.cli.app import main

    def call(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprior", "upscale", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_the_command(clip, tmp_path, run):
    from random_models import small_onnx

    flags = ("--model", small_onnx(), "--detector", "embedded", "--scale", 2, "-o", tmp_path)
    code, out, err = run(clip, *flags)
    assert (code, err) == (0, "") or "no face restored" in err
    target = tmp_path / "clip ü.mp4"
    assert f"{FRAMES} frames" in out and str(target) in out
    frames, times, codec = pictures_of(target)
    before, times_before, _ = pictures_of(clip)
    assert len(frames) == FRAMES and frames[0].shape == (240, 320, 3)
    assert np.allclose(times, times_before, atol=1e-3)
    assert codec == "h264" or "libx264" not in av.codecs_available
    assert sound_of(target) == sound_of(clip) and len(sound_of(clip)) > 30
    data = json.loads((tmp_path / "clip ü.json").read_text())
    sheet = {"sheet": "clip ü.sheet.png"} if data["faces"] else {}
    assert (data["frames"], data["scale"], data["files"]) == (FRAMES, 2, {"video": target.name, **sheet})
    assert not list(tmp_path.glob(".*"))
    # The colours are those of the clip.
    reduced = np.asarray(Image.fromarray(frames[5]).resize(SIZE, Image.Resampling.BOX), float)
    assert np.abs(reduced - before[5])[:, :20].mean() < 3
    code, _, err = run(clip, *flags)
    assert code == 2 and "--overwrite" in err


def test_faces_are_followed_and_restored(clip, tmp_path):
    random, seen = np.random.default_rng(0), []
    looks = iter([0, 5, 10, 15, 20, 21])

    def detector(rgb):
        i = next(looks)
        return [] if i == 10 else [noisy(i, random, FRAMES)]  # missed once

    report = upscale_video(clip, tmp_path, Network(), detector, PhotoOptions(2), on_frame=lambda: seen.append(1))
    assert len(seen) == report.frames == FRAMES
    assert report.faces == {1: FRAMES}  # never lost, never taken for another
    assert next(looks, None) is None


def test_a_fraction_of_a_scale_is_for_photos(tmp_path):
    from faceprior import FacepriorError

    source = make_clip(tmp_path / "a.mp4", 3, None)
    with pytest.raises(FacepriorError, match=r"a.mp4: --scale 2.5: clips are enlarged by whole numbers"):
        upscale_video(source, tmp_path / "out", Network(), lambda rgb: [], PhotoOptions(2.5))
    assert not (tmp_path / "out").exists()


def test_formats(tmp_path):
    for name, audio, expected in (("a.mkv", "mp3", ".mkv"), ("b.avi", "mp3", ".mkv"), ("c.mov", None, ".mov")):
        source = make_clip(tmp_path / name, 3, audio)
        report = upscale_video(source, tmp_path / "out", Network(), lambda rgb: [], PhotoOptions(1))
        assert report.target.suffix == expected and report.frames == 3
        assert report.notes == ["no face restored"]
        if audio:
            assert [data for data, _ in sound_of(report.target)] == [data for data, _ in sound_of(source)]


def test_what_is_no_video_is_said_in_a_line(clip, tmp_path, run):
    from random_models import small_onnx

    whole = clip.read_bytes()
    bad = {
        "text.mp4": b"no video at all" * 100,
        "empty.mp4": b"",
        "cut.mp4": whole[: len(whole) // 2],
        "absent.mp4": None,
    }
    for name, data in bad.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        code, _, err = run(tmp_path / name, "--model", small_onnx(), "--detector", "embedded", "-o", tmp_path / "out")
        assert code == 2 and name in err and "Traceback" not in err
        assert len(err.strip().splitlines()) == 1, err
    with wave.open(str(tmp_path / "sound.mp4"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0\0" * 800)
    code, _, err = run(
        tmp_path / "sound.mp4", "--model", small_onnx(), "--detector", "embedded", "-o", tmp_path / "out"
    )
    assert code == 2 and "holds no video" in err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_without_pyav_a_line_says_what_to_install(clip, tmp_path, run, monkeypatch):
    monkeypatch.setattr("faceprior.cli.videos.find_spec", lambda name: None)
    code, _, err = run(clip, "-o", tmp_path)
    assert code == 2 and "pip install 'faceprior[video]'" in err


def jitter(path: np.ndarray) -> float:
    """How much a path (N, D) shakes: the mean size of its second differences."""
    return float(np.linalg.norm(np.diff(path, 2, axis=0), axis=1).mean())


def noisy(i: int, random: np.random.Generator, frames: int = 100) -> Detection:
    x, y, side = true_face(i, frames)
    x, y, side = x + random.normal(0, 1), y + random.normal(0, 1), side * np.exp(random.normal(0, 0.04))
    return Detection((x - side / 2, y - side / 2, side, side))


def test_smoothed_boxes_shake_less_and_stay_on_the_face():
    random, tracker = np.random.default_rng(0), Tracker()
    found = {i: noisy(i, random) for i in range(0, 100, 5)}
    looks = {i: tracker.look([face], i / RATE)[1] for i, face in found.items()}
    raw, calm = [], []
    for i in range(95):
        start, part = i - i % 5, i % 5 / 5
        raw.append(found[start].box)
        calm.append(between(looks[start], looks[start + 5], part).box)
    raw, calm = np.array(raw), np.array(calm)
    assert jitter(calm) < 0.4 * jitter(raw)
    truth = np.array([true_face(i, 100) for i in range(95)])
    off = np.hypot(*(calm[:, :2] + calm[:, 2:] / 2 - truth[:, :2]).T)
    assert off.mean() < 2.5  # pixels, of a face of 28


def test_tracks_of_two_faces_keep_their_numbers():
    tracker = Tracker()
    for i in range(10):
        left, right = Detection((10 + 4 * i, 10, 20, 20)), Detection((90 - 4 * i, 60, 20, 20))
        faces = tracker.look([right, left] if i % 2 else [left, right], i / 5)
        assert set(faces) == {1, 2}
        assert faces[1].box[1] == pytest.approx(10) and faces[2].box[1] == pytest.approx(60)
    assert tracker.look([], 2.0).keys() == {1, 2} and tracker.leaving() == set()
    tracker.look([], 2.2)
    assert tracker.leaving() == {1, 2}
    assert tracker.look([], 2.4) == {}


def test_one_euro_rests_and_follows():
    rest, move = OneEuro(1, 2), OneEuro(1, 2)
    random = np.random.default_rng(0)
    rested = [rest(random.normal(0, 0.05, 1), i / 25)[0] for i in range(100)]
    assert np.std(rested[20:]) < 0.03
    moved = [move(np.array([i / 25 * 3]), i / 25)[0] for i in range(100)]
    assert moved[-1] == pytest.approx(99 / 25 * 3, abs=0.3)


def test_a_phone_filmed_lying_down():
    from faceprior.video.read import upright

    stored = np.zeros((2, 3, 3), np.uint8)
    stored[0, 0] = 255
    assert (upright(stored, np.eye(2, dtype=int)) == stored).all()
    shown = upright(stored, np.array([[0, -1], [1, 0]]))  # a quarter turn clockwise: the corner comes to the right
    assert shown.shape == (3, 2, 3) and shown[0, 1].all()


def test_frames_that_change_their_size_become_like_the_first(tmp_path, run):
    """Motion JPEG, each frame a picture of its own size."""
    stream = tmp_path / "changing.mjpeg"
    with stream.open("wb") as file:
        for i, size in enumerate([(64, 48)] * 4 + [(97, 81)] * 4 + [(32, 32)] * 2):
            Image.new("RGB", size, (20 * i, 90, 90)).save(file, "JPEG")
    with av.open(str(stream), format="mjpeg") as source, av.open(str(tmp_path / "changing.avi"), "w") as out:
        copied = out.add_stream_from_template(source.streams.video[0])
        for n, packet in enumerate(p for p in source.demux() if p.size):
            packet.stream, packet.pts, packet.dts = copied, n, n
            out.mux(packet)
    options = PhotoOptions(scale=2)
    report = upscale_video(tmp_path / "changing.avi", tmp_path / "out", Network(), lambda rgb: [], options)
    frames, _, _ = pictures_of(report.target)
    assert report.frames == len(frames) == 10
    assert {frame.shape for frame in frames} == {(96, 128, 3)}


def test_giant_frames_need_the_flag(tmp_path, monkeypatch):
    from faceprior import FacepriorError
    from faceprior.photo.decode import any_number_of_pixels
    from faceprior.video import read

    make_clip(tmp_path / "clip.mkv", 3, None)
    monkeypatch.setattr(read, "FRAME_LIMIT", 10_000)
    with pytest.raises(FacepriorError, match=r"160x120.*--no-pixel-limit"):
        read.Video(tmp_path / "clip.mkv")
    with any_number_of_pixels(), read.Video(tmp_path / "clip.mkv") as video:
        assert len(list(video.read(lambda packet: None))) == 3


def test_at_a_cut_all_begins_anew(tmp_path):
    """Two scenes with a face each, at the same place: two numbers, each restored in every frame of its scene."""
    path, cut = tmp_path / "two.mp4", 8
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=RATE)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.options = {"q": "2"}
        for i in range(16):
            shown = picture(0)
            if i >= cut:
                shown = ImageOps.invert(shown)
            out.mux(video.encode(av.VideoFrame.from_image(shown)))
        out.mux(video.encode(None))
    x, y, side = true_face(0)
    looked = []

    def detector(rgb):
        looked.append(int(rgb[-1, -1, 0] > 128))  # the background, 90 or 165
        return [Detection((x - side / 2, y - side / 2, side, side), 0.9)]

    report = upscale_video(path, tmp_path / "out", Network(), detector, PhotoOptions(2), sheet=False)
    assert report.faces == {1: cut, 2: 16 - cut}
    assert looked == [0, 0, 0, 1, 1, 1]  # the first and each fifth frame of a scene, and its last
    faces = json.loads((tmp_path / "out/two.json").read_text())["faces"]
    assert [(f["first"]["frame"], f["last"]["frame"]) for f in faces] == [(0, cut - 1), (cut, 15)]


@pytest.mark.parametrize(
    ("name", "lossy", "expected"),
    [("h264", True, ALIKE), ("av1", True, ALIKE), ("ffv1", False, None), ("prores", True, None), ("mjpeg", True, None)],
)
def test_which_clips_are_told_as_compressed(name, lossy, expected):
    assert quality_of(SimpleNamespace(name=name, lossy=lossy)) == expected


def test_real_decoders_are_told_apart():
    assert quality_of(av.codec.Codec("h264", "r")) == quality_of(av.codec.Codec("mpeg4", "r")) == ALIKE
    assert quality_of(av.codec.Codec("rawvideo", "r")) is None
