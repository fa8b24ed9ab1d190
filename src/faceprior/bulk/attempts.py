"""Images that kill workers (a decoder that crashes, memory that runs out), so that they do not do so for ever.

A worker marks the chunk that it begins; the marks go when the run ends. A worker that finds one knows that another
began there, and takes the images that are not done one by one, each with a mark of its own; an image at which two
more have died is given up. Ray itself would give the chunk to worker after worker.
"""

import hashlib
import json
from collections.abc import Iterable

from .listing import STATE
from .places import Place

FOLDER = f"{STATE}/attempts"
MOST = 2  # deaths at an image that was alone in hand


class Attempts:
    def __init__(self, out: Place):
        self.out = out

    def begin(self, *names: str) -> int:
        """How many workers began these images before."""
        path = _path(names)
        before = 0
        if self.out.stat([path])[0] is not None:
            before = json.loads(self.out.read(path))["begun"]
        self.out.write(path, json.dumps({"begun": before + 1, "first": names[0]}).encode())
        return before

    def end(self, *names: str) -> None:
        """They are through: a later beginning is the first."""
        self.out.delete(_path(names))


def _path(names: Iterable[str]) -> str:
    return f"{FOLDER}/{hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:32]}.json"
