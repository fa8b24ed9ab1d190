"""`faceprior train-canvas`: photos and face crops in, a run folder with `canvas.safetensors` out."""

from pathlib import Path
from typing import Annotated

import typer

from ..training.canvas.config import CanvasTraining


def train_canvas(
    photos: Annotated[Path, typer.Option("--photos", help="Folder of clean photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder.")],
    faces: Annotated[Path | None, typer.Option(help="Folder of face sources of layout `table`.")] = None,
    test_source: Annotated[
        list[str] | None, typer.Option(help="A source of --faces that is for tests alone; repeatable.")
    ] = None,
    split_salt: Annotated[str, typer.Option(help="As prepare was given, so that its test faces are left out.")] = "",
    span: Annotated[Path | None, typer.Option(help="SPAN x4's public weights to start from.")] = None,
    initial: Annotated[Path | None, typer.Option(help="A canvas to start from instead: canvas.safetensors.")] = None,
    optimiser: Annotated[str, typer.Option(help="adamw, or muon for the convolutions' weights.")] = "adamw",
    rate: Annotated[float, typer.Option(help="Of learning.")] = CanvasTraining.rate,
    face_share: Annotated[float, typer.Option(help="Share of batches that are of faces.")] = CanvasTraining.faces,
    max_time: Annotated[str, typer.Option(help="Train for this time, resumptions included: 40m, 1h30m.")] = "1h30m",
    bfloat16: Annotated[bool, typer.Option(help="bfloat16 products for most of the time, float32 at the end.")] = False,
    clean: Annotated[float, typer.Option(help="Share of inputs that are only reduced.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Train the network that enlarges a photo outside its faces. The same command resumes a run.

    Exit status: 0 done, 2 bad input, 143 or 130 stopped by a signal with a checkpoint written.
    """
    from ..errors import FacepriorError
    from ..training.canvas.loop import CanvasTrainer
    from ..training.canvas.pictures import FaceSplit
    from ..training.config import parse_time

    try:
        seconds = float(parse_time(max_time))
    except ValueError as error:
        raise FacepriorError(f"--max-time: {error}") from None
    try:
        config = CanvasTraining(seed, seconds, optimiser, rate, clean=clean, faces=face_share)
    except ValueError as error:
        field, rest = str(error).split(":", 1)
        flag = {"faces": "face-share", "max_time": "max-time"}.get(field, field)
        raise FacepriorError(f"--{flag}:{rest}") from None
    split = FaceSplit(tuple(test_source or ()), split_salt)
    given = {"faces": faces, "split": split, "span": span, "initial": initial, "bfloat16": bfloat16}
    trainer = CanvasTrainer(config, photos, output, **given)
    ended = trainer.fit()
    if ended == "SIGTERM":
        raise typer.Exit(143)
    if ended == "SIGINT":
        raise typer.Exit(130)
