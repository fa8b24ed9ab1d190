"""`faceprior evaluate`: models and floors on held-out faces, as a table and JSON."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    data: Annotated[Path, typer.Option("--data", "-d", help="Folder written by `faceprior prepare`.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A packaged model (default, mtun ...), a .safetensors or .onnx file, a run folder, sharp:MODEL, "
            "onnx:PATH, python:module:callable, canvas:PATH (a network for whole photos), lanczos, or aligned:RUN "
            "(a network told the true transform); any number of times. The floors bicubic and bicubic-true are "
            "always there.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    protocol: Annotated[
        str,
        typer.Option(
            help="paper (unaligned), wide, near, upright (RGB) or aligned-y (Y, 8 px border); with -32, faces of 32 px."
        ),
    ] = "paper",
    limit: Annotated[int | None, typer.Option(help="So many faces, evenly spread.")] = None,
    identity: Annotated[str | None, typer.Option(help="ONNX file of a face-embedding network (112x112).")] = None,
    by: Annotated[str, typer.Option(help="Breakdowns: source, pose, age, group; '' for none.")] = "source,pose",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    batch: Annotated[int, typer.Option(help="Faces in one batch.")] = 64,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write the tables here.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Write pictures of faces into this folder.")] = None,
    rows: Annotated[int, typer.Option(help="Faces in a picture.")] = 8,
    jpeg: Annotated[int | None, typer.Option(help="Keep each LR as a JPEG of this quality first.")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Faces of this source alone; any number of times.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Every table: inside figures, visibility, the errors' spread, breakdowns.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no lines on how far it is.")] = False,
) -> None:
    """Measure PSNR, SSIM, alignment, heatmaps and identity on prepared faces.

    Figures of different protocols do not compare: name the protocol beside every number.
    """
    import shlex
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ..errors import FacepriorError
    from ..evaluation.evaluate import EvaluateOptions
    from ..evaluation.evaluate import evaluate as run
    from ..evaluation.spoken import spoken
    from ..evaluation.tables import WIDTH, brief, grids, markdown
    from ..files import write_text

    for path in (json_file, markdown_file):
        if path is not None and not path.resolve().parent.is_dir():
            raise FacepriorError(f"{path}: its folder does not exist")
    sources = tuple(source or ())
    options = EvaluateOptions(split, protocol, limit, identity, by, device, batch, pictures, rows, jpeg, sources)
    columns = (TextColumn("evaluating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    watched = Console(stderr=True)
    lines = spoken(lambda text: print(text, file=sys.stderr, flush=True))
    with Progress(*columns, console=watched, disable=quiet or not watched.is_terminal, transient=True) as bar:
        task = bar.add_task("evaluate", total=None)

        def progress(done: int, total: int) -> None:
            if watched.is_terminal:
                bar.update(task, completed=done, total=total)
            elif not quiet:
                lines(done, total)

        command = shlex.join(["faceprior", *sys.argv[1:]])
        report = run(model or [], data, options, command=command, progress=progress)
    console = Console()
    # A pipe is told no width; tables that wrap there are of no use to the next program.
    if not console.is_terminal:
        console = Console(width=200 if full else WIDTH)
    for grid in grids(report) if full else [brief(report)]:
        console.print(grid.rich())
    if not full:
        console.print(
            "STN px: of 128, over the corners and the centre; heat px: of 64; LR dB: the output reduced again, against "
            "the input. --full: every figure, its spread, breakdowns.",
            highlight=False,
        )
    if report.partly_outside:
        console.print(
            f"{report.partly_outside} of {report.faces} faces reach beyond their photo"
            + ("; 'inside' leaves out what lies there." if full else "."),
            highlight=False,
        )
    for path, text in ((json_file, report.to_json()), (markdown_file, markdown(report))):
        if path is not None:
            write_text(path, text)
