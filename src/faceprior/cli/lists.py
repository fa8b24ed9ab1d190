"""`faceprior models` and `faceprior presets`: what there is, a line each."""

import sys

import typer


def models() -> None:
    """The packaged models, the default one first."""
    from ..runtime.weights import ASSETS, registry

    found, default = registry()
    rows = []
    for name in sorted(found, key=lambda name: (name != default, name)):
        entry = found[name]
        size = (ASSETS / entry.file).stat().st_size / 1e6 if (ASSETS / entry.file).exists() else None
        rows.append((name, "default" if name == default else "", f"{size:.1f} MB" if size else "", entry.description))
    _print(rows)
    print("\n--model takes a name, an .onnx file, a .safetensors file or the folder of a training run.")


def presets(
    search: str = typer.Argument("", help="Only those whose name holds this: table1, sharp."),
) -> None:
    """The configurations of `faceprior train`, the rows of the paper's tables included."""
    from ..errors import FacepriorError
    from ..training.presets import presets as known

    chosen = [preset for preset in known() if search in preset.name]
    if not chosen:
        raise FacepriorError(f"{search}: no preset's name holds this")
    _print([(preset.name, preset.about) for preset in chosen])
    print("\nfaceprior train NAME --print-config prints one with every key; -d, -o train it.")


def _print(rows: list[tuple[str, ...]]) -> None:
    """Columns; the last one folds within the terminal, and is whole in a pipe."""
    from rich.console import Console
    from rich.table import Table

    # The figures of width are for a terminal: a line each is what the next program of a pipe wants.
    console = Console() if sys.stdout.isatty() else Console(width=400)
    grid = Table.grid(padding=(0, 2))
    for i in range(len(rows[0])):
        last = i == len(rows[0]) - 1
        grid.add_column(no_wrap=not last, overflow="fold")
    for row in rows:
        grid.add_row(*row)
    lines = console.render_lines(grid, console.options, pad=False)
    for line in lines:
        print("".join(segment.text for segment in line).rstrip())
