"""Trains what a plan lacks, one run after the other or several side by side."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from ...dataset.store import FaceStore
from ...errors import FacepriorError
from ...training.loop import Trainer
from ...training.stopping import StopRequest
from .plan import Run
from .shared import cuda, share_faces

LOOK_EVERY = 0.5  # seconds


class Stopped(Exception):
    """A signal ended a run; its checkpoint is written and the same command goes on from it."""

    def __init__(self, signal: str):
        super().__init__(signal)
        self.signal = signal


class SomeFailed(FacepriorError):
    """Of several runs side by side some failed; the others are done."""


def train_missing(
    runs: Sequence[Run],
    data: Path,
    *,
    device: str = "auto",
    vgg: Path | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = print,
) -> None:
    """Each run to its end, also one that was begun before. Raises Stopped where a signal came.

    `jobs`: so many runs side by side, each a process with its share of the threads; what they print goes into
    `runs/NAME.log`. There a run that fails stops no other, and at the end SomeFailed names it.
    """
    if jobs > 1:
        _side_by_side(runs, data, device, vgg, jobs, say)
        return
    for number, run in enumerate(runs, 1):
        place = _place(number, runs)
        if run.done:
            say(f"{place}: done before ({run.folder})")
            continue
        say(f"{place}: {run.folder}")
        ended = _train(run, data, device, vgg)
        if ended not in ("done", "time"):
            raise Stopped(ended)


def _place(number: int, runs: Sequence[Run]) -> str:
    run = runs[number - 1]
    return f"{number}/{len(runs)} {run.row.label}" + (f", seed {run.seed}" if run.seed else "")


def _train(run: Run, data: Path, device: str, vgg: Path | None, faces: FaceStore | None = None) -> str:
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    given = {"vgg": vgg, "stn0": run.stn0, "canvas": run.canvas, "faces": faces}
    return Trainer(run.config, data, run.folder, device=device, **given).fit()


def _side_by_side(
    runs: Sequence[Run], data: Path, device: str, vgg: Path | None, jobs: int, say: Callable[[str], None]
) -> None:
    context = _context()
    threads = max(1, len(os.sched_getaffinity(0)) // jobs) if hasattr(os, "sched_getaffinity") else 1
    faces = share_faces([run.config for run in runs if not run.done], data, device)
    running: dict[int, BaseProcess] = {}
    waiting, failed = [], []
    for number, run in enumerate(runs, 1):
        if run.done:
            say(f"{_place(number, runs)}: done before ({run.folder})")
        else:
            waiting.append(number)
    with StopRequest() as stop:
        while waiting or running:
            for number, process in list(running.items()):
                if process.exitcode is None:
                    continue
                process.join()
                del running[number]
                if not stop.asked and not runs[number - 1].done:
                    failed.append(number)
                    say(f"{_place(number, runs)}: failed; {_log(runs[number - 1])} says why")
            if stop.asked:
                waiting.clear()
                for process in running.values():
                    process.terminate()  # SIGTERM, by which a run writes its checkpoint
                for process in running.values():
                    process.join()
                raise Stopped(stop.asked)
            for number in list(waiting):
                run = runs[number - 1]
                source = run.needs
                if source is not None and not source.is_file():
                    if not any(runs[k - 1].folder == source.parent for k in (*waiting, *running)):
                        waiting.remove(number)
                        failed.append(number)
                        say(f"{_place(number, runs)}: left out; {source.parent} that it starts from has failed")
                    continue
                if len(running) < jobs:
                    waiting.remove(number)
                    run.folder.parent.mkdir(parents=True, exist_ok=True)
                    say(f"{_place(number, runs)}: {run.folder}")
                    running[number] = context.Process(
                        target=_in_process, args=(run, data, device, vgg, threads, faces), name=run.folder.name
                    )
                    running[number].start()
            time.sleep(LOOK_EVERY)
    if failed:
        names = ", ".join(f"{runs[k - 1].row.name} (seed {runs[k - 1].seed})" for k in sorted(failed))
        raise SomeFailed(f"{len(failed)} of {len(runs)} runs failed: {names}; mended, the same command goes on")


def _context() -> multiprocessing.context.BaseContext:
    """Processes forked from one that has imported everything and done nothing else (a GPU stands no other fork): what
    takes 16 processes 80 s on a machine with slow files is done once."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _log(run: Run) -> Path:
    return run.folder.with_name(f"{run.folder.name}.log")


def _in_process(
    run: Run, data: Path, device: str, vgg: Path | None, threads: int, faces: FaceStore | None
) -> None:
    """A run in a process of its own; its words go into its log. It makes rough LRs ahead in its share of the cores."""
    import torch

    torch.set_num_threads(threads)
    log = os.open(_log(run), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    try:
        if cuda(device) and run.config.run.helpers is None:
            helped = run.config.run.model_copy(update={"helpers": threads})
            run = replace(run, config=run.config.model_copy(update={"run": helped}))
        _train(run, data, device, vgg, faces)
    except FacepriorError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
