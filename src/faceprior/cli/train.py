"""`faceprior train`: prepared faces in, a run folder with `model.safetensors` out."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    config: Annotated[str, typer.Argument(help="A preset (`faceprior presets` lists them) or a TOML file.")],
    data: Annotated[Path | None, typer.Option("--data", "-d", help="Folder written by `faceprior prepare`.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The run's folder.")] = None,
    max_time: Annotated[
        str | None, typer.Option(help="Stop after this time, resumptions included: 40m, 1h30m, 90s.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Stop after so many epochs.")] = None,
    steps: Annotated[int | None, typer.Option(help="Stop after so many steps.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int | None, typer.Option(help="Processes on this machine (GPUs); not under torchrun.")] = None,
    precision: Annotated[str | None, typer.Option(help="32-true or bf16-mixed.")] = None,
    vgg: Annotated[Path | None, typer.Option(help="VGG-19 weights; without it torchvision's are fetched.")] = None,
    stn0: Annotated[
        Path | None,
        typer.Option(help="For networks that want aligned faces a run of table1/stn0; for MTUN of table1/aligner."),
    ] = None,
    canvas: Annotated[
        Path | None, typer.Option(help="For networks on a canvas (kind unet): canvas.safetensors or its run's folder.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on from the folder's checkpoint; --no-resume deletes it and starts anew.")
    ] = True,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, any number of times.")] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the whole configuration as TOML, and train nothing.")
    ] = False,
) -> None:
    """Train MTUN, or a system it is compared with (presets table1/...).

    The same command resumes a run that was stopped or killed.

    Exit status: 0 done, 2 bad input, 143 or 130 stopped by a signal with a checkpoint written.
    """
    from ..errors import FacepriorError
    from ..training.config import TrainConfig

    overrides = list(set_ or [])
    for key, value in (("max_time", max_time), ("epochs", epochs), ("steps", steps), ("precision", precision)):
        if value is not None:
            overrides.append(f"run.{key}={value!r}" if isinstance(value, str) else f"run.{key}={value}")
    loaded = TrainConfig.load(config, overrides)
    if print_config:
        from ..training.describe import printed

        print(printed(loaded, config), end="")
        return
    if data is None or output is None:
        raise FacepriorError("train: -d names the folder of `faceprior prepare`, -o the run's folder; both are needed")
    from ..training.loop import Trainer

    given = {"vgg": vgg, "stn0": stn0, "canvas": canvas, "name": config if not config.endswith(".toml") else None}
    trainer = Trainer(loaded, data, output, device=device, devices=devices, **given, resume=resume)
    ended = trainer.fit()
    if ended == "SIGTERM":
        raise typer.Exit(143)
    if ended == "SIGINT":
        raise typer.Exit(130)
