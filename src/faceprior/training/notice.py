"""What a run says of itself: before it begins, at every validation, and at its end."""

import shlex
from pathlib import Path

from ..networks.kinds import kind_of
from .config import TrainConfig


def duration(seconds: float) -> str:
    """90 s, 40 min, 1 h 30 min."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"


def beginning(
    config: TrainConfig,
    *,
    name: str | None,
    folder: Path,
    data: Path,
    faces: int,
    validation: int,
    weights: int,
    device: str,
    processes: int,
    threads: int,
    epoch: int,
    total: int,
    step: int,
    elapsed: float,
) -> list[str]:
    """Lines. epoch: steps of one; total: of the run; step, elapsed: where a resumed run stands."""
    run = config.run
    start = f"from {run.initial}" if run.initial else "fresh"
    preset = f"; preset {name}" if name else ""
    cores = f", {threads} thread{'' if threads == 1 else 's'}" if device == "cpu" else ""
    lines = [
        f"network: {kind_of(config.model)}, {weights / 1e6:.2f} M weights, {start}{preset}",
        f"data:    {faces} faces to train on, {validation} to validate on, from {data}",
        f"device:  {processes} x {device}{cores}, {run.precision}",
    ]
    if total:
        ends = f"{total} steps of {run.batch} faces ({total / epoch:.3g} epochs of {epoch})"
        sooner = f", or {duration(run.max_time)}, whichever is first" if run.max_time else ""
        lines.append(f"until:   {ends}{sooner}")
    else:
        lines.append("until:   it has learned from every face once: this network has no training loop")
    lines.append(f"writes:  {folder}; to watch: tensorboard --logdir {shlex.quote(str(folder / 'tensorboard'))}")
    if step:
        lines.append(f"going on from step {step} after {duration(elapsed)}")
    return lines


def validation(figures: dict[str, float], floors: dict[str, float], *, epoch: int, step: int, elapsed: float) -> str:
    """One line; in brackets what the figure is without a network."""
    v, f = figures, floors
    return (
        f"epoch {epoch}  step {step}  {elapsed:.0f} s  validation: PSNR {v['psnr']:.2f} dB "
        f"(bicubic {f['psnr_bicubic']:.2f}, told the truth {f['psnr_bicubic_true']:.2f}), "
        f"in place {v['place']:.2f} ({v['gain']:+.2f} over bicubic, seen {v['gain_seen']:+.2f}), "
        f"STN {v['angle']:.2f} degrees ({f['angle']:.2f}), scale {v['scale']:.3f} ({f['scale']:.3f}), "
        f"shift {v['shift']:.4f} ({f['shift']:.4f}), Lh {v['h']:.3f}"
    )


def ending(
    ended: str, config: TrainConfig, *, folder: Path, data: Path, step: int, total: int, elapsed: float
) -> list[str]:
    """Lines: why it ended, what there is now, and what to do with it."""
    run, place, export = config.run, shlex.quote(str(folder)), shlex.quote(f"{folder.resolve().name}.onnx")
    if ended not in ("done", "time"):
        return [f"stopped by {ended} at step {step} of {total}; the same command goes on from here"]
    faces = f"{step} steps, {step * run.batch} faces, {elapsed:.0f} s"
    lines = [f"{folder / 'model.safetensors'}: {faces}"]
    if ended == "time":
        lines.append(
            f"stopped by --max-time ({duration(run.max_time or 0)}) at step {step} of {total}; with a longer one the "
            "same command goes on"
        )
    return [
        *lines,
        f"next: faceprior evaluate -m {place} -d {shlex.quote(str(data))}    PSNR, SSIM, alignment against the floors",
        f"      faceprior export {place} -o {export}    for `faceprior upscale --model`",
        f"      {folder / 'curves.png'}, or faceprior curves {place} OTHER-RUN    how it learned",
    ]
