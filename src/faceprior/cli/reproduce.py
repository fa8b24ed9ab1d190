"""`faceprior reproduce`: the paper's tables and pictures, trained, evaluated and written."""

from pathlib import Path
from typing import Annotated

import typer


def reproduce(
    table: Annotated[
        str,
        typer.Argument(
            help="table1, table2, table3, table3-help, ingredients, ingredients-unet, fig1, fig3, fig4, fig5, or all."
        ),
    ],
    data: Annotated[Path, typer.Option("--data", "-d", help="Folder written by `faceprior prepare`.")],
    out: Annotated[Path, typer.Option("--output", "-o", help="Folder for the table, the pictures and runs/.")],
    max_time: Annotated[
        str | None, typer.Option(help="Training time of each row: 4m, 90s. Without it, each row's epochs.")
    ] = None,
    faces: Annotated[
        int | None, typer.Option(help="Training faces of each row, from all that are prepared, instead of a time.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    rows: Annotated[str, typer.Option(help="Names of rows, joined by commas; '' for all.")] = "",
    limit: Annotated[int | None, typer.Option(help="Test faces, evenly spread; without it all.")] = None,
    reduced: Annotated[
        bool | None,
        typer.Option("--reduced/--full", help="Small networks, few faces, short runs. Without a GPU the default."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Put this model into the table too, as in `evaluate`.")
    ] = None,
    vgg: Annotated[Path | None, typer.Option(help="VGG-19 weights; without it torchvision's are fetched.")] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Runs of every row; without it three of rows that decide a claim, one of others.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Rows that train side by side, each with its share of threads.")
    ] = 1,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Train the rows; write no table. The same command without it does.")
    ] = False,
    earlier: Annotated[
        list[Path] | None,
        typer.Option(help="JSON of an earlier table of the same faces, whose runs are taken as they are."),
    ] = None,
    stn0: Annotated[
        Path | None, typer.Option(help="The trained STN that rows of the U-Net build on (weights/aligner.safetensors).")
    ] = None,
    canvas: Annotated[Path | None, typer.Option(help="Their trained canvas (weights/canvas.safetensors).")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value of every row, any number of times.")
    ] = None,
) -> None:
    """Train what is missing, evaluate every row on the same faces, write the table as Markdown, CSV and JSON.

    The same command goes on where it was stopped; rows already done for the same settings and data are kept, also
    those of another table in the same folder. With --earlier, so are those whose weights are gone.
    """
    import shlex
    import sys

    import torch
    from pydantic import ValidationError

    from ..errors import FacepriorError
    from ..evaluation.reproduce.plan import Budget
    from ..evaluation.reproduce.reproduce import Options
    from ..evaluation.reproduce.reproduce import reproduce as run
    from ..evaluation.reproduce.training import SomeFailed, Stopped
    from ..training.config import RunConfig

    seconds = None
    if max_time is not None:
        try:
            seconds = RunConfig(max_time=max_time).max_time
        except ValidationError:
            raise FacepriorError(f"--max-time {max_time}: a time such as 4m, 1h30m or 90s is expected") from None
    if reduced is None:
        reduced = device == "cpu" or not torch.cuda.is_available()
    budget = Budget(reduced, seconds, tuple(set_ or ()), seeds, faces)
    wanted = tuple(name.strip() for name in rows.split(",") if name.strip())
    options = Options(
        wanted, tuple(model or ()), limit, device, vgg, stn0, canvas, jobs, tuple(earlier or ()), train_only
    )
    say = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    try:
        _, written = run(table, data, out, budget, options, command=shlex.join(["faceprior", *sys.argv[1:]]), say=say)
    except Stopped as stopped:
        say(f"stopped by {stopped.signal}; the same command goes on from here")
        raise typer.Exit(130 if stopped.signal == "SIGINT" else 143) from None
    except SomeFailed as failed:
        say(str(failed))
        raise typer.Exit(1) from None
    for path in written:
        if path.suffix == ".md":
            print(path.read_text("utf-8"))
    for path in written:
        say(str(path))
