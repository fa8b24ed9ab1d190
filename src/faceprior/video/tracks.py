"""What becomes of a clip's tracks beside its pictures: copied, turned into plain sound, or left out and said so."""

import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import av.error

# What a file's ending becomes; all others become Matroska, which holds most sound.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
# FFmpeg puts more than that into MP4, but players do not expect it there.
IN_MP4 = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
PLAIN = "pcm_s16le"  # sound that no container here can hold becomes that
DECODERS = {"mp3float": "mp3", "libopus": "opus", "libvorbis": "vorbis"}  # decoders with another name than their codec


@dataclass
class Tracks:
    """sound, texts: streams that are known, to be copied; timecode: of the first frame, as a tape counts; notes:
    what is left out, for the user."""

    sound: list[Any] = field(default_factory=list, repr=False)  # PyAV's streams fall with their file: never shown
    texts: list[Any] = field(default_factory=list, repr=False)
    timecode: str | None = None
    notes: list[str] = field(default_factory=list)


def tracks_of(container: "av.container.InputContainer", pictures: Any) -> Tracks:
    """pictures: the video stream that is restored."""
    tracks, left = Tracks(timecode=pictures.metadata.get("timecode")), Counter()
    for stream in container.streams:
        kind = stream.type or "unknown"
        if stream.index == pictures.index:
            continue
        if kind == "audio" and stream.codec_context is not None:
            if stream.codec_context.layout.nb_channels and stream.codec_context.sample_rate:
                tracks.sound.append(stream)
            else:  # a broken head: neither copied nor decoded would it play
                left["sound without channels"] += 1
        elif kind == "subtitle" and stream.codec_context is not None:
            tracks.texts.append(stream)
        elif kind == "audio":
            left["sound without a decoder"] += 1
        elif kind == "video":
            cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
            left["cover picture" if cover else "further video"] += 1
        elif kind == "data" and tracks.timecode and stream.metadata.get("timecode") == tracks.timecode:
            continue  # written anew, see Plan
        else:
            left[kind] += 1
    for what, count in left.items():
        tracks.notes.append(f"left out: {count} track{'' if count == 1 else 's'} ({what})")
    return tracks


@dataclass
class Plan:
    """Where a clip goes. plain: indices of sound that is decoded and written as PCM; texts: subtitles that it holds;
    timecode: of the first frame."""

    target: Path
    format: str
    plain: set[int] = field(default_factory=set)
    texts: list[Any] = field(default_factory=list, repr=False)
    timecode: str | None = None
    notes: list[str] = field(default_factory=list)


def plan(folder: Path, stem: str, source: Path, tracks: Tracks) -> Plan:
    """The clip's own ending where that can hold its sound; else .mkv, else .mov, else .mkv with plain sound."""
    own = source.suffix.lower()
    endings = [own, ".mkv", ".mov"] if own in FORMATS else [".mkv", ".mov"]
    fitting = (e for e in endings if all(_takes(e, stream) for stream in tracks.sound))
    ending = next(fitting, ".mkv")
    made = Plan(folder / f"{stem}{ending}", FORMATS[ending], timecode=tracks.timecode)
    for stream in tracks.sound:
        if not _takes(ending, stream):
            made.plain.add(stream.index)
            made.notes.append(f"its sound ({_codec(stream)}) is written as PCM: no container here can hold it")
    if own in FORMATS and ending != own:
        which = ", ".join(sorted({_codec(s) for s in tracks.sound if not _takes(own, s)}))
        made.notes.append(f"written as {ending}: {own} cannot hold its sound ({which})")
    made.texts = [stream for stream in tracks.texts if _holds(FORMATS[ending], stream)]
    if missing := len(tracks.texts) - len(made.texts):
        many = f"{missing} track{'' if missing == 1 else 's'}"
        made.notes.append(f"left out: {many} (subtitles that {ending} cannot hold)")
    return made


def _codec(stream: Any) -> str:
    name = stream.codec_context.name
    return DECODERS.get(name, name)


def _takes(ending: str, stream: Any) -> bool:
    return (FORMATS[ending] != "mp4" or _codec(stream) in IN_MP4) and _holds(FORMATS[ending], stream)


def _holds(format: str, stream: Any) -> bool:
    """Asked of FFmpeg itself."""
    trial = av.open(io.BytesIO(), "w", format=format)
    try:
        trial.add_stream_from_template(stream)
    except (ValueError, av.error.FFmpegError):
        return False
    return True
