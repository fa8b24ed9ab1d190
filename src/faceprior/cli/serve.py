"""`faceprior serve`: the web page and its HTTP address, on this machine alone unless told otherwise."""

import sys
from importlib.util import find_spec
from pathlib import Path

import typer

LIMITS = "Limits"


def serve(
    model: str | None = typer.Option(None, help="A packaged model, an .onnx or .safetensors file, a run folder."),
    sharp: bool = typer.Option(False, "--sharp", help="The model's perceptual variant."),
    sharpness: float | None = typer.Option(
        None, min=0, max=1, help="Between the plain model (0) and --sharp (1), where a request does not say it."
    ),
    host: str = typer.Option("127.0.0.1", help="Address to listen on; 0.0.0.0 lets other machines in."),
    allow_host: list[str] | None = typer.Option(
        None, help="On loopback: a further name to be asked by, as that of a proxy in front; any number of times."
    ),
    port: int = typer.Option(7860, min=0, max=65535, help="0 takes a free one."),
    root_path: str = typer.Option("", help="Behind a proxy at a sub-path, as /faces; X-Forwarded-Prefix says it, too."),
    detector: str = typer.Option("auto", help="auto, yunet, embedded (no download)."),
    detector_weights: Path | None = typer.Option(
        None, help="YuNet's file, else $FACEPRIOR_DETECTOR_WEIGHTS or fetched once."
    ),
    offline: bool = typer.Option(False, "--offline", help="Fetch nothing."),
    threads: int | None = typer.Option(None, min=1, help="CPU threads (default: all that may be used)."),
    max_upload: int = typer.Option(20 * 2**20, help="Bytes of a photo.", rich_help_panel=LIMITS),
    max_pixels: int = typer.Option(25_000_000, help="Pixels of a photo.", rich_help_panel=LIMITS),
    queue: int = typer.Option(16, help="Photos that may wait; more are refused.", rich_help_panel=LIMITS),
    workers: int = typer.Option(1, help="Photos at a time.", rich_help_panel=LIMITS),
    timeout: float = typer.Option(120.0, help="Seconds for an upload, and for its answer.", rich_help_panel=LIMITS),
    keep: float = typer.Option(900.0, help="Seconds until uploads and results are removed.", rich_help_panel=LIMITS),
) -> None:
    """A web page that restores photos: drop one, compare, download. The same address answers HTTP requests."""
    # Missing: said at once. Not imported here: that takes seconds.
    if find_spec("gradio") is None:
        raise ModuleNotFoundError("gradio", name="gradio")
    from ..photo.canvas import canvas_loader
    from ..photo.detect import make_detector
    from ..runtime.upscaler import checked_sharpness, load
    from ..web import server
    from ..web.limits import Limits
    from ..web.prefix import checked
    from ..web.service import Service

    root = checked(root_path)
    limits = Limits(max_upload, max_pixels, queue, workers, timeout, keep)
    upscaler = load(model, device="cpu", threads=threads, sharpness=checked_sharpness(sharp, sharpness))
    finder = make_detector(detector, weights=detector_weights, threads=threads, offline=offline, warn=_warn)
    service = Service(
        upscaler,
        finder,
        limits,
        both=lambda: load(model, device="cpu", threads=threads, sharpness=1.0),
        turned=lambda: make_detector(
            detector, weights=detector_weights, any_turn=True, threads=threads, offline=offline, warn=_warn
        ),
        canvas=canvas_loader(threads=threads),
    )
    server.serve(service, host, port, allow_host or (), root)


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)
