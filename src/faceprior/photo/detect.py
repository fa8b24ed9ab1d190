"""Which detector a user gets: YuNet where its file is or can be fetched, else the embedded one, with a warning."""

from collections.abc import Callable
from pathlib import Path

from ..errors import FacepriorError
from ..runtime.threads import thread_count
from .detector_weights import VARIABLE, Unavailable, detector_weights
from .hog import HogDetector
from .yunet import YuNet

DETECTORS = ("auto", "yunet", "embedded")


def make_detector(
    kind: str = "auto",
    *,
    weights: str | Path | None = None,
    any_turn: bool = False,
    auto_turn: bool = True,
    threads: int | None = None,
    offline: bool = False,
    warn: Callable[[str], None] | None = None,
) -> YuNet | HogDetector:
    """kind: "yunet", "embedded" (no download, misses more), or "auto": YuNet unless its file cannot be had.

    any_turn, auto_turn: faces of every turn in one photo; photos that lie on their side as a whole (`turned.py`)
    weights: YuNet's file (else $FACEPRIOR_DETECTOR_WEIGHTS, the cache, the network); a file named and absent is
    an error, never a reason to take the other detector. offline: fetch nothing. warn: gets one line of text.
    """
    if kind not in DETECTORS:
        raise FacepriorError(f"--detector {kind}: expected {', '.join(DETECTORS)}")
    thread_count(threads)  # what is wrong with them is not the file's
    if kind == "embedded":
        return HogDetector(any_turn=any_turn, auto_turn=auto_turn)
    try:
        path = detector_weights(weights, offline=offline)
    except Unavailable as error:
        if kind == "yunet":
            raise
        if warn is not None:
            warn(f"{error}. Using the embedded detector meanwhile, which misses small, turned and covered faces")
        return HogDetector(any_turn=any_turn, auto_turn=auto_turn)
    try:
        return YuNet(path, any_turn=any_turn, auto_turn=auto_turn, threads=threads)
    except FacepriorError as error:
        where = "--detector-weights" if weights else VARIABLE
        raise FacepriorError(f"{error} ({where})") from None
