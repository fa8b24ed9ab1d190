"""The sum of a run, and the list of what failed: shards of JSON lines, the newest written every half minute."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .listing import STATE
from .places import Place

FAILED, REPORT = f"{STATE}/failed", f"{STATE}/report.json"
SHARD = 10_000  # lines
EVERY = 30  # seconds: what a killed driver may lose of the list; those images are tried again anyway


@dataclass
class Report:
    """done, skipped, failed: images; restored, left: faces of photos; doubtful: cut faces; seconds: of this run's
    work."""

    out: Place
    done: int = 0
    skipped: int = 0
    failed: int = 0
    restored: int = 0
    doubtful: int = 0
    left: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    workers: int = 0
    first_failed: list[tuple[str, str]] = field(default_factory=list)  # to be printed
    _lines: list[str] = field(default_factory=list)
    _shard: int = 0
    _wrote: float = field(default_factory=time.monotonic)
    _dirty: bool = False

    def fail(self, name: str, why: str) -> None:
        self.failed += 1
        if len(self.first_failed) < 20:
            self.first_failed.append((name, why))
        self._lines.append(json.dumps({"input": name, "reason": why}, ensure_ascii=False) + "\n")
        self._dirty = True
        if len(self._lines) >= SHARD:
            self._flush()
            self._shard, self._lines = self._shard + 1, []

    def add(self, outcome: dict[str, Any]) -> None:
        self.done += outcome["done"]
        self.skipped += outcome["skipped"]
        self.restored += outcome["restored"]
        self.doubtful += outcome["doubtful"]
        self.left.update(outcome["left"])
        for name, why in outcome["failed"]:
            self.fail(name, why)
        if time.monotonic() - self._wrote > EVERY:
            self._flush()

    def close(self, **more: Any) -> None:
        """The last shard, and report.json."""
        self._flush()
        names = ("done", "skipped", "failed", "restored", "doubtful", "seconds", "workers")
        data = {"format": 1, **{name: getattr(self, name) for name in names}, "left": self.left, **more}
        data["seconds"] = round(self.seconds, 2)
        self.out.write(REPORT, json.dumps(data, indent=1, ensure_ascii=False).encode())

    def _flush(self) -> None:
        self._wrote = time.monotonic()
        if self._dirty and self._lines:
            text = "".join(self._lines).encode("utf-8", "backslashreplace")
            self.out.write(f"{FAILED}/{self._shard:05d}.jsonl", text)
        self._dirty = False
