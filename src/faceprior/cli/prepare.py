"""`faceprior prepare`: photos with landmarks -> Parquet shards."""

from pathlib import Path
from typing import Annotated

import typer


def prepare(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="Folders: images with .pts beside them, CelebA (img_align_celeba/ and tables), or images and a "
            "*landmark*.csv.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The new folder of shards.")],
    layout: Annotated[str, typer.Option(help="auto, pts, celeba or table; for all the sources.")] = "auto",
    persons: Annotated[
        str,
        typer.Option(
            help="Whose face is it where no identity table says so? name: files that differ in a last _NUMBER are one "
            "person; image: each is its own; auto: name for Person_Name_NN and NUMBER_N."
        ),
    ] = "auto",
    test_only: Annotated[bool, typer.Option("--test-only", help="Every face into the test split.")] = False,
    test_source: Annotated[
        list[str] | None,
        typer.Option(help="The name of a source (its folder's) all of whose faces go into the test split; repeatable."),
    ] = None,
    split_salt: Annotated[str, typer.Option(help="Deal the persons anew: any text.")] = "",
    min_side: Annotated[
        float, typer.Option(min=1, help="Skip faces whose square (2.95 eye distances) has fewer pixels a side.")
    ] = 40.0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a prepared folder.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Make training and test shards from photos with 68 landmarks.

    Splits by person: 80 % of them for training (of which 5 % validate), 20 % for testing; the same whatever the
    order and the other sources. Only where nobody would validate, as of few people, one who would train does. What
    cannot be used is listed in OUT/report.csv with the reason.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ..dataset.layouts.files import in_utf8
    from ..dataset.prepare import REPORT, PrepareOptions
    from ..dataset.prepare import prepare as run
    from ..errors import FacepriorError
    from .inputs import DEAD_LINK, is_dead_link

    if (dead := next(filter(is_dead_link, [*sources, out]), None)) is not None:
        raise FacepriorError(f"{dead}: {DEAD_LINK}")
    console = Console(stderr=True)
    tests = tuple(map(in_utf8, test_source or ()))
    options = PrepareOptions(layout, persons, in_utf8(split_salt), test_only, tests, min_side)
    columns = (TextColumn("preparing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet, transient=True) as bar:
        task = bar.add_task("prepare", total=None)
        summary = run(
            sources,
            out,
            options,
            workers=workers,
            overwrite=overwrite,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _print(console, summary)
    if summary.validates is not None:
        few = f"too few people for a split by lot: {summary.validates} validates"
        console.print(few, highlight=False, markup=False)
    skipped = sum(sum(counts.values()) for counts in summary.skipped.values())
    report = f"; {skipped} skipped, listed in {out / REPORT}" if skipped else ""
    print(f"{out}: {summary.total} faces, {summary.bytes / 1e6:.1f} MB{report}")


def _print(console, summary) -> None:
    """The counts, one row a source; and why items were skipped."""
    from rich.table import Table

    names = sorted({s for counts in summary.faces.values() for s in counts} | set(summary.skipped))
    table = Table("source", *summary.faces, "skipped")
    for name in names:
        counts = [str(by_source.get(name, 0)) for by_source in summary.faces.values()]
        table.add_row(name, *counts, str(sum(summary.skipped.get(name, {}).values())))
    console.print(table)
    for source, reasons in summary.skipped.items():
        for reason, count in reasons.items():
            console.print(f"skipped {count} of {source}: {reason}", highlight=False, markup=False)
