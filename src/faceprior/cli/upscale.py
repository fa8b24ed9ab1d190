"""`faceprior upscale`: faces in, upright 128x128 faces out."""

import sys
from pathlib import Path

import typer

from ..errors import FacepriorError


def upscale(
    inputs: list[str] = typer.Argument(..., help="Files, folders or globs (quoted)."),
    out: Path = typer.Option(Path("out"), "-o", "--out", help="Folder for the results."),
    model: str | None = typer.Option(None, help="A packaged model, an .onnx or .safetensors file, a run folder."),
    heatmaps: bool = typer.Option(False, "--heatmaps", help="Also <name>.heatmaps.png: the four components in colour."),
    table: bool = typer.Option(False, "--json", help="Also faces.json: transforms, components, model and version."),
    sheet: bool = typer.Option(True, "--sheet/--no-sheet", help="contact-sheet.png: every face at a glance."),
    recursive: bool = typer.Option(False, "-r", "--recursive", help="Look into sub-folders."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace results of an earlier run (never an input)."),
    cropped: bool = typer.Option(False, "--cropped", help="Every input is one face already cut out, of any size."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, coreml, dml, mps."),
    threads: int | None = typer.Option(None, min=1, help="CPU threads (default: all that may be used)."),
    backend: str = typer.Option("auto", help="auto, onnx, torch."),
) -> None:
    """Restore faces that are already cut out: the central square of each image, 16x16 in, <name>.png 128x128 out."""
    from ..runtime.upscaler import load
    from .cropped import Options, upscale_cropped
    from .inputs import find_files
    from .progress import counting

    files, missing = find_files(inputs, recursive=recursive)
    if not files:
        raise FacepriorError("; ".join(f"{name}: {reason}" for name, reason in missing))
    upscaler = load(model, backend=backend, device=device, threads=threads)
    options = Options(heatmaps, table, sheet, overwrite, cropped)
    with counting("Faces", len(files)) as advance:
        report = upscale_cropped(files, out, upscaler, options, advance)
    failed = [*missing, *report.failed]
    if not report.done:
        more = f" (and {len(failed) - 1} more inputs failed)" if len(failed) > 1 else ""
        raise FacepriorError(f"{failed[0][0]}: {failed[0][1]}{more}; nothing was written")
    for name, reason in failed:
        print(f"failed: {name}: {reason}", file=sys.stderr)
    info = upscaler.info
    tail = f"; {len(failed)} failed" if failed else ""
    print(f"{report.done} faces -> {out}{tail} (model {info.name} {info.version}, {info.backend} on {info.device})")
    if report.sheet_left_out > 0:
        print(f"the contact sheet leaves out the last {report.sheet_left_out}")
    if failed:
        raise typer.Exit(1)
