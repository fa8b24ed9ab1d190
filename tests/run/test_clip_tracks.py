"""Clips: tracks that nothing decodes or no container holds, words, and a clip that fails beside one that does not."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")

from clips import decoded, grey, sounds_of, unknown, write_clip  # noqa: E402

from faceprior import FacepriorError  # noqa: E402
from faceprior.photo.options import PhotoOptions  # noqa: E402
from faceprior.video.convert import VideoReport, upscale_video  # noqa: E402


def nobody(rgb: np.ndarray) -> list:
    return []


def upscaled(clip: Path, folder: Path) -> VideoReport:
    return upscale_video(clip, folder, None, nobody, PhotoOptions(1))


@pytest.fixture
def command(monkeypatch, capsys):
    """`faceprior upscale`, with a detector that finds nobody -> status, stdout, stderr."""
    from command import any_model

    from faceprior.cli import photos  # noqa: F401  it takes the real one for good, before that is replaced
    from faceprior.cli.app import main
    from faceprior.photo import detect

    def call(*arguments, detector=nobody) -> tuple[int, str, str]:
        monkeypatch.setattr(detect, "make_detector", lambda *_, **__: detector)
        model = ["--model", str(any_model())] if any_model() else []
        monkeypatch.setattr(sys, "argv", ["faceprior", "upscale", *map(str, arguments), *model])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.mark.parametrize("sounds", [["pcm_s16le"], ["aac", "pcm_s16le"]])
def test_sound_that_nothing_decodes_is_left_out_and_the_rest_copied(tmp_path, command, sounds):
    clip = unknown(write_clip(tmp_path / "spatial.mov", grey(count=12), sounds=sounds), b"sowt")
    after = write_clip(tmp_path / "after.mp4", grey(), sounds=["aac"])
    known = sounds_of(clip)
    assert len(known) == len(sounds) - 1
    code, _, err = command(clip, after, "--scale", 1, "-o", tmp_path / "out")
    assert code == 0, err
    assert "spatial.mov: left out: 1 track (sound without a decoder)" in err and "after.mp4: left out" not in err
    assert sounds_of(tmp_path / "out" / "spatial.mov") == known
    assert len(decoded(tmp_path / "out" / "spatial.mov")) == 12
    assert sounds_of(tmp_path / "out" / "after.mp4") == sounds_of(after)
    told = json.loads((tmp_path / "out" / "spatial.json").read_text())
    assert "left out: 1 track (sound without a decoder)" in told["notes"]


@pytest.mark.parametrize(
    ("name", "sounds", "ending", "words"),
    [
        ("pcm.mp4", ["aac", "pcm_s16le"], ".mkv", ".mp4 cannot hold its sound (pcm_s16le)"),
        ("camera.mov", ["pcm_mulaw"], ".mov", None),
        ("camera.avi", ["pcm_mulaw"], ".mov", None),  # Matroska holds it no more than FFmpeg says so
        ("tape.mkv", ["mp2", "aac"], ".mkv", None),
    ],
)
def test_sound_goes_into_a_file_that_can_hold_it(tmp_path, name, sounds, ending, words):
    clip = write_clip(tmp_path / name, grey(count=8), sounds=sounds)
    report = upscaled(clip, tmp_path / "out")
    assert report.target.suffix == ending
    assert sounds_of(report.target) == sounds_of(clip)
    assert [note for note in report.notes if "sound" in note] == ([f"written as .mkv: {words}"] if words else [])


def test_sound_that_no_file_can_hold_is_decoded(tmp_path):
    clip = write_clip(tmp_path / "old.avi", grey(count=25), sounds=["adpcm_ms", "mp2"])
    report = upscaled(clip, tmp_path / "out")
    assert report.target.suffix == ".mkv"
    assert any("adpcm_ms" in note and "PCM" in note for note in report.notes)
    (plain, samples), (kept, _) = sounds_of(report.target)
    assert (plain, kept) == ("pcm_s16le", sounds_of(clip)[1][0])
    with av.open(str(clip)) as file:
        before = np.concatenate([f.to_ndarray().ravel() for f in file.decode(audio=0)])
    after = np.frombuffer(samples, np.int16)
    assert after.shape == before.shape and (after == before).all() and before.std() > 1000


def test_words_and_the_timecode_are_kept_and_the_place_is_not(tmp_path):
    said = {
        "title": "Ünder the tree", "creation_time": "2015-06-07T08:09:10.000000Z", "comment": "first steps",
        "location": "+48.8577+002.2950/",
    }  # fmt: skip
    clip = write_clip(tmp_path / "told.mov", grey(), metadata=said, timecode="01:02:03:04", sounds=["aac"])
    with av.open(str(clip)) as file:
        assert "location" in file.metadata  # else the test shows nothing
    report = upscaled(clip, tmp_path / "out")
    assert report.notes == ["no face restored"]
    with av.open(str(report.target)) as file:
        assert file.metadata["title"] == said["title"] and file.metadata["comment"] == said["comment"]
        moment = datetime.fromisoformat(file.metadata["creation_time"])
        assert moment == datetime(2015, 6, 7, 8, 9, 10, tzinfo=UTC)
        assert not any("location" in name for name in file.metadata)
        assert file.streams.video[0].metadata["timecode"] == "01:02:03:04"
        assert [s.type for s in file.streams] == ["video", "audio", "data"]


def test_subtitles_and_languages_are_copied_or_named(tmp_path):
    (tmp_path / "words.srt").write_text("1\n00:00:00,000 --> 00:00:00,100\nHello\n")
    film = write_clip(tmp_path / "film.mkv", grey(), sounds=["aac"])
    told = tmp_path / "told.mkv"
    with av.open(str(film)) as source, av.open(str(tmp_path / "words.srt")) as words, av.open(str(told), "w") as out:
        made = {s: out.add_stream_from_template(s) for s in (*source.streams, *words.streams)}
        made[source.streams.audio[0]].metadata["language"] = "swe"
        for file in (source, words):
            for packet in file.demux():
                if packet.size:
                    packet.stream = made[packet.stream]
                    out.mux(packet)
    report = upscaled(told, tmp_path / "out")
    with av.open(str(report.target)) as file:
        assert [s.type for s in file.streams] == ["video", "audio", "subtitle"]
        assert file.streams.audio[0].metadata["language"] == "swe"
        assert [bytes(p) for p in file.demux(subtitles=0) if p.dts is not None] == [b"Hello"]
    renamed = told.rename(tmp_path / "renamed.mov")  # read by what it is, written as it is called
    report = upscaled(renamed, tmp_path / "out")
    assert report.target.suffix == ".mov" and "left out: 1 track (subtitles that .mov cannot hold)" in report.notes


def test_a_defect_of_one_clip_costs_no_other(tmp_path, command):
    clips = [write_clip(tmp_path / f"{name}.mp4", grey()) for name in "abc"]
    calls = []

    def detector(rgb):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a defect\nof its own")
        return []

    code, _, err = command(*clips, "--scale", 1, "-o", tmp_path / "out", detector=detector)
    assert code == 1
    assert err.splitlines()[0].endswith(r"a.mp4: internal error (RuntimeError: a defect\nof its own)")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["b.json", "b.mp4", "c.json", "c.mp4"]


def test_pictures_that_nothing_decodes_are_named(tmp_path):
    clip = unknown(write_clip(tmp_path / "new.mov", grey()), b"avc1")
    with pytest.raises(FacepriorError, match=r"new\.mov: no decoder here reads its pictures"):
        upscaled(clip, tmp_path / "out")
    assert not (tmp_path / "out").exists()
