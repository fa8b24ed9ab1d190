"""A progress bar on standard error, where somebody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def counting(title: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Gives a function to call once an item, or with a number of items, or a part of one. Nothing is drawn into pipes
    and log files.

    total: None where nobody knows it yet.
    """
    console = Console(stderr=True)
    if not console.is_terminal:  # a disabled Progress of an older Rich still ends in an empty line
        yield lambda n=1: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda n=1: progress.advance(task, n)
