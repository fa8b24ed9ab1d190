"""The result of an evaluation: figures with everything that is needed to make them again."""

import hashlib
import json
import math
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..dataset.protocol import Protocol
from ..dataset.shards import MANIFEST
from ..dataset.store import FaceStore
from .groups import breakdown
from .identity import network_auc, verification_auc
from .scores import Pass

WORDS = {
    "paper": "unaligned LR, upright HR, 8-bit RGB, all pixels, mean over images of each image's PSNR and SSIM",
    "wide": "as paper, but LRs up to 50 degrees, 0.75-1.35 of the scale and 15 % of the side off",
    "near": "as paper, but LRs up to 6 degrees, 0.93-1.07 of the scale and 3 % of the side off",
    "upright": "aligned LR and HR, 8-bit RGB, all pixels, mean over images",
    "aligned-y": "aligned LR, BT.601 luma (MATLAB rgb2ycbcr, 8 bit), 8 px border left out, mean over images",
}


@dataclass(frozen=True)
class Stat:
    """Of the `n` faces that have the figure."""

    mean: float
    median: float
    p95: float
    n: int


Stats = dict[str, Stat]  # a figure's name -> its statistics


@dataclass
class ModelReport:
    name: str
    sha256: str | None
    seconds: float  #                       in the model alone
    overall: Stats
    by: dict[str, dict[str, Stats]]  #      kind -> part -> figures
    identity_auc: float | None = None  #    telling an output's own HR from other people's


@dataclass
class Report:
    protocol: str
    protocol_text: str
    split: str
    faces: int
    sources: dict[str, int]
    data: dict[str, Any]  #                 folder's name and its manifest's SHA-256
    partly_outside: int  #                  faces whose HR reaches beyond their photo
    identity: dict[str, Any] | None  #      the network's name, SHA-256 and its AUC on the real faces
    models: list[ModelReport]
    command: str
    seconds: float
    versions: dict[str, str] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Numbers that are not finite become null."""
        return json.dumps(_plain(asdict(self)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def model(self, name: str) -> ModelReport:
        return next(m for m in self.models if m.name == name)


def make_report(
    result: Pass,
    store: FaceStore,
    protocol: Protocol,
    *,
    jpeg: int | None = None,
    data: Path,
    split: str,
    kinds: tuple[str, ...],
    identity: dict[str, Any] | None,
    partly_outside: int,
    command: str,
    seconds: float,
) -> Report:
    """Statistics over all faces and over every part of every kind."""
    parts = {kind: breakdown(store, kind) for kind in kinds}
    persons = [f"{source}/{person}" for source, person in zip(store.sources, store.persons, strict=True)]
    models = []
    for s in result.scores:
        report = ModelReport(s.name, s.sha256, s.seconds, statistics(s.columns), {})
        for kind, masks in parts.items():
            report.by[kind] = {
                part: statistics({n: c[mask] for n, c in s.columns.items()}) for part, mask in masks.items()
            }
        if s.embeddings is not None and result.truths is not None:
            report.identity_auc = verification_auc(s.embeddings, result.truths, persons)
        models.append(report)
    if identity is not None and result.truths is not None:
        identity = {**identity, "auc_of_real_faces": network_auc(result.truths, persons)}
    return Report(
        protocol=protocol.name if jpeg is None else f"{protocol.name}, JPEG {jpeg}",
        protocol_text=_words(protocol, jpeg),
        split=split,
        faces=len(store),
        sources={name: store.sources.count(name) for name in sorted(set(store.sources))},
        data={"folder": data.resolve().name, "manifest_sha256": _sha256(data / MANIFEST)},
        partly_outside=partly_outside,
        identity=identity,
        models=models,
        command=command,
        seconds=seconds,
        versions=versions(),
        hardware=hardware(),
    )


def _words(protocol: Protocol, jpeg: int | None) -> str:
    text = WORDS.get(protocol.name.removesuffix("-32"), "")
    if protocol.lr != 16:
        text += f"; LRs of {protocol.lr} px"
    return text if jpeg is None else f"{text}; each LR kept as a JPEG of quality {jpeg}"


def statistics(columns: dict[str, np.ndarray]) -> Stats:
    """Per-face figures -> mean, median, 95th percentile; a figure that no face has is left out."""
    result = {}
    for name, values in columns.items():
        values = values[np.isfinite(values)]
        if len(values):
            mean, median, p95 = values.mean(), np.median(values), np.percentile(values, 95)
            result[name] = Stat(float(mean), float(median), float(p95), len(values))
    return result


def versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("torch", "torchmetrics", "onnxruntime", "numpy", "pillow")
    return {"faceprior": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}


def hardware() -> dict[str, Any]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _plain(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x
