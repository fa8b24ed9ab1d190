"""`faceprior upscale --engine ray`: which options it takes, and what is said at the end."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from .._version import __version__
from ..errors import FacepriorError, one_line
from ..photo.options import PhotoOptions
from .progress import counting

# Options that the engine cannot keep, with the reason. --resume is what it always does.
NOT_HERE = {
    "faces": "--faces: numbers of one photo's faces mean nothing for many photos",
    "boxes": "--boxes: is for the local engine",
}


def check_local(texts: Sequence[str]) -> None:
    """FacepriorError for s3://... without the engine that reads it."""
    for text in texts:
        if "://" in text and not Path(text).exists():
            raise FacepriorError(f"{text}: addresses like this one need --engine ray")


def restore_bulk(context: typer.Context, options: PhotoOptions) -> None:
    """`context` holds the options of `upscale`. Exit status as there: 0, 1 some failed, 2 nothing could be done."""
    given: dict[str, Any] = context.params
    if given["faces_only"]:
        raise FacepriorError("--faces-only: every photo is written, which says that it is done (--engine ray)")
    for name, text in NOT_HERE.items():
        if given[name] is not None:
            raise FacepriorError(f"{text} (--engine ray)")
    kind = "cropped" if given["cropped"] else "photos" if given["photos"] else "auto"
    if kind == "cropped" and given["sheet"] and _typed(context, "sheet"):
        raise FacepriorError("--sheet: no contact sheet holds millions of faces (--engine ray with --cropped)")
    if kind != "cropped":
        for name in ("heatmaps", "table"):
            if given[name]:
                raise FacepriorError(f"--{'json' if name == 'table' else name}: goes with --cropped")

    import ray  # noqa: F401  first of all, so that the error names its extra

    from ..bulk.places import Place
    from ..bulk.plan import Finder, Plan, Weights
    from ..bulk.run import check_apart, find, prepare, restore
    from ..runtime.upscaler import checked_sharpness

    inputs, recursive = given["inputs"], given["recursive"]
    sources, missing = find(inputs, recursive=recursive)
    if not sources:
        raise FacepriorError("; ".join(f"{name}: {reason}" for name, reason in missing))
    out = Place(given["output"])
    check_apart(sources, out, recursive=recursive)
    weights = Weights.of(given["model"])
    threads = given["threads"] or 1  # a worker of one thread each restores most faces a CPU
    sharpness = checked_sharpness(given["sharp"], given["sharpness"])
    running = {"backend": given["backend"], "device": given["device"], "threads": threads, "sharpness": sharpness}
    info = weights.load(**running).info
    plan = Plan(
        out, kind, weights, _finder(given) if kind != "cropped" else Finder(None), info.sha256,
        {"faceprior": __version__, "model": asdict(info)}, options, heatmaps=given["heatmaps"], table=given["table"],
        sheet=given["sheet"], pixel_limit=given["pixel_limit"], **running,
    )  # fmt: skip
    plan = prepare(plan, inputs, overwrite=given["overwrite"])
    workers = given["jobs"] if _typed(context, "jobs") else None
    with counting("Images", None) as advance:
        report = restore(sources, plan, workers=workers, on_done=advance, missing=missing)
    if not report.done + report.skipped + report.failed:
        deeper = "" if recursive else " (--recursive looks into sub-folders)"
        raise FacepriorError(f"{', '.join(inputs)}: no image there{deeper}")
    for name, reason in report.first_failed:
        print(one_line(f"failed: {name}: {reason}"), file=sys.stderr)
    if report.failed > len(report.first_failed):
        print(f"failed: {report.failed - len(report.first_failed)} more", file=sys.stderr)
    listed = f" (listed in {out.shown('_faceprior/failed')})" if report.failed else ""
    left = ", ".join(f"{why}: {n}" for why, n in report.left.most_common())
    photos = f"; {report.restored} faces of photos restored, {report.left.total()} left{f' ({left})' if left else ''}"
    doubts = f" ({report.doubtful} doubtful)" if report.doubtful else ""
    print(
        one_line(
            f"{report.done} images done{doubts}, {report.skipped} skipped, {report.failed} failed{listed}"
            f"{photos if kind != 'cropped' else ''} -> {out.shown()} (model {info.name} {info.version}, {info.backend} "
            f"on {info.device}, {report.workers} workers, {report.seconds:.1f} s)"
        )
    )
    if report.failed:
        raise typer.Exit(1 if report.done + report.skipped else 2)


def _typed(context: typer.Context, name: str) -> bool:
    """Whether the user gave this option, be it with its default value."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _finder(given: dict[str, Any]):
    from ..bulk.plan import Finder
    from ..photo.detect import make_detector
    from ..photo.detector_weights import detector_weights

    # Made here once: what is wrong with it is said before anything starts, and no worker goes to the network.
    found = make_detector(
        given["detector"], weights=given["detector_weights"], any_turn=given["any_turn"], threads=1,
        offline=given["offline"], warn=lambda text: print(one_line(f"warning: {text}"), file=sys.stderr),
    )  # fmt: skip
    if found.name == "embedded":
        return Finder(None, given["any_turn"])
    path = detector_weights(given["detector_weights"], offline=given["offline"])
    return Finder(path.read_bytes(), given["any_turn"])
