"""What a user is told, so that it helps: of faces that were left, how many, of what size, which option takes them; and
of what was undone."""

from collections.abc import Iterable, Sequence
from math import ceil, floor
from typing import NamedTuple

from .options import PhotoOptions
from .softened import Response, Softness

LARGE, SMALL, NOT_CHOSEN = "too large", "too small", "not chosen"


class Left(NamedTuple):
    """A face that was left: size in pixels of the photo, of one that is too large those of detail; reason as the JSON
    has it."""

    reason: str
    size: float

    @property
    def kind(self) -> str:
        """The reason without its numbers."""
        return self.reason.split(":")[0]


def left_faces(faces: Iterable) -> list[Left]:
    """Of the `PhotoFace`s, those that were not restored."""
    return [
        Left(reason, face.detail if reason.startswith(LARGE) else face.size)
        for face in faces
        if not face.restored and (reason := face.reason or "left")
    ]


def advice(left: Iterable[Left], options: PhotoOptions) -> list[str]:
    """A line for each kind of size that was left: 41 faces are too large (61 to 118 px): --max-size 118 ..."""
    left, lines = list(left), []
    for kind, flag, bound in ((LARGE, "--max-size", ceil), (SMALL, "--min-size", floor)):
        sizes = [face.size for face in left if face.kind == kind]
        if not sizes:
            continue
        low, high = floor(min(sizes)), ceil(max(sizes))
        n, one = len(sizes), len(sizes) == 1
        which = "1 face is" if one else f"{n} faces are"
        span = f"{max(sizes) if kind == LARGE else min(sizes):.0f} px" if low == high or one else f"{low} to {high} px"
        value = bound(max(sizes) if kind == LARGE else min(sizes))
        if kind == SMALL and value < options.LEAST:
            lines.append(f"{which} {kind} ({span}), below what can be restored")
            continue
        cost = ", which may cost detail that the photo has" if kind == LARGE else ", with more of it invented"
        lines.append(f"{which} {kind} ({span}): {flag} {value} takes {'it' if one else 'them'}, too{cost}")
    return lines


def soft_note(found: Sequence[Softness]) -> str:
    """Of single faces that were soft."""
    sigmas = sorted(f"{one.sigma:.1f}" for one in found)
    span = sigmas[0] if sigmas[0] == sigmas[-1] else f"{sigmas[0]} to {sigmas[-1]}"
    if len(found) == 1:
        return f"1 face is soft (as if blurred by {span} pixels): restored as if it were not; --keep-softness keeps it"
    return (
        f"{len(found)} faces are soft (as if blurred by {span} pixels): restored as if they were not; "
        "--keep-softness keeps them"
    )


def response_note(response: Response, done: str = "restored") -> str:
    """What of a picture was undone before it was enlarged, or its faces restored."""
    if isinstance(response, Softness):
        return (
            f"it is soft (as if blurred by {response.sigma:.1f} pixels): {done} as if it were not; "
            "--keep-softness keeps it"
        )
    return f"it was sharpened (by about {response.amount:.1f}): {done} without that; --keep-sharpening keeps it"
