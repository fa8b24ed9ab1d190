"""The `faceprior` command: one file a verb beside this one, joined here.

Exit status: 0 done, 1 some items failed, 2 usage or bad input (one line on standard error).
"""

import errno
import os
import signal
import sys
import warnings
from contextlib import suppress

import typer

from .._version import __version__
from ..errors import FacepriorError, FacepriorWarning, one_line
from . import curves, demo, evaluate, export, lists, prepare, reproduce, serve, train, train_canvas, upscale

app = typer.Typer(
    name="faceprior",
    help="Face super-resolution guided by facial component heatmaps: 16x16 in, upright 128x128 out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("upscale")(upscale.upscale)
app.command("serve")(serve.serve)
app.command("prepare")(prepare.prepare)
app.command("train")(train.train)
app.command("train-canvas")(train_canvas.train_canvas)
app.command("evaluate")(evaluate.evaluate)
app.command("reproduce")(reproduce.reproduce)
app.command("export")(export.export)
app.command("models")(lists.models)
app.command("presets")(lists.presets)
app.command("curves")(curves.curves)


def _version(asked: bool) -> None:
    if asked:
        print(f"faceprior {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Entry point: errors a user can mend become one line and status 2; Ctrl-C is 130, SIGTERM 143."""
    # As an exception, so that what is half-written is removed. `train` has its own way, see `training/stopping.py`.
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is escaped: it must not end a run after all of its work.
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _show_warning
    _open_closed()
    try:
        app()
        sys.stdout.flush()
    except FacepriorError as error:
        print(f"faceprior: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("faceprior: stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # `faceprior ... | head`: nobody reads on
        _silence()
        sys.exit(128 + 13)  # as of SIGPIPE
    except OSError as error:
        if error.filename is not None:
            print(one_line(f"faceprior: error: {os.fsdecode(error.filename)}: {error.strerror}"), file=sys.stderr)
            sys.exit(2)
        if error.errno == errno.ENOENT and not _has_folder():
            print("faceprior: error: the folder that this was started in is gone", file=sys.stderr)
            sys.exit(2)
        if error.errno != errno.ENOSPC:
            raise
        _silence()  # standard output is on a full disk
        print(f"faceprior: error: standard output: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = _EXTRA_OF.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        print(
            f"faceprior: error: this command needs {error.name}: pip install 'faceprior[{extra}]'", file=sys.stderr
        )
        sys.exit(2)


def _open_closed() -> None:
    """`faceprior models >&-`: Python has None for a stream that is closed, and the first file would get its number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115


def _has_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return False
    return True


def _terminated(number: int, _: object) -> None:
    sys.exit(128 + number)


def _silence() -> None:
    """Python flushes standard output once more at its end; what is left of it goes nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_usual = warnings.showwarning


def _show_warning(message, category, *rest) -> None:
    """Ours on one line, without the place in the code."""
    if issubclass(category, FacepriorWarning):
        print(f"faceprior: {one_line(str(message))}", file=sys.stderr)
    else:
        _usual(message, category, *rest)


_EXTRA_OF = {
    **dict.fromkeys(
        ("torch", "lightning", "torchmetrics", "pydantic", "pyarrow", "safetensors", "tensorboard", "tomli_w", "onnx"),
        "train",
    ),
    **dict.fromkeys(("gradio", "fastapi", "starlette", "uvicorn"), "web"),
    "matplotlib": "train",
    "av": "video",
    "openvino": "openvino",
    **dict.fromkeys(("ray", "fsspec"), "ray"),
}
