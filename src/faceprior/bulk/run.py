"""A run: the output checked and marked, then Ray Data from folders to outcomes.

Nothing of a run is in the driver but sums: the results themselves say what is done.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import FacepriorError
from .attempts import FOLDER
from .listing import STATE, Source, chunks, spread
from .names import stems
from .places import Place, is_uri, reason
from .plan import Plan
from .report import FAILED, Report
from .restorer import Restorer

RUN = f"{STATE}/run.json"


def find(inputs: Sequence[str], *, recursive: bool) -> tuple[list[Source], list[tuple[str, str]]]:
    """Folders and files as sources, and what is neither, with the reason.

    The results of one folder lie directly in the output; those of several, each below its own folder's name.
    """
    folders: dict[str, Place] = {}
    files: dict[str, list[str]] = {}
    missing = []
    for text in dict.fromkeys(inputs):
        try:
            place = Place(text.rstrip("/") or "/")
            kind = place.kind()
        except (OSError, FacepriorError) as error:
            missing.append((text, str(error) if isinstance(error, FacepriorError) else reason(error)))
            continue
        if kind == "folder" or (kind == "none" and is_uri(text) and place.list()):
            folders[place.text] = place
        elif kind == "file":
            head, _, name = place.text.partition("?")[0].rpartition("/")
            query = place.text[len(place.text.partition("?")[0]) :]
            files.setdefault(head + query, []).append(name)
        elif kind == "other":
            missing.append((text, "is a pipe or a device, not a file"))
        else:
            glob = " (--engine ray takes folders and files, no patterns)" if set(text) & set("*?[") else ""
            missing.append((text, f"no such file or folder{glob}"))
    names = [place.shown().rstrip("/").rpartition("/")[2] for place in folders.values()]
    if len(set(names)) < len(names):
        raise FacepriorError(f"{', '.join(inputs)}: two folders of one name; one run for each")
    several = len(folders) + bool(files) > 1
    sources = [
        Source(place, "", recursive, (), name if several else "")
        for place, name in zip(folders.values(), names, strict=True)
    ]
    for head, own in files.items():
        sources.append(Source(Place(head), "", False, tuple(own)))
    flat = [name for own in files.values() for name in own]
    apart = [stem for own in files.values() for stem in stems(own)]
    if len(set(flat)) < len(flat) or stems(flat) != apart:
        raise FacepriorError("two of the files named have one name; give their folders instead")
    return sources, missing


def check_apart(sources: Sequence[Source], out: Place, *, recursive: bool) -> None:
    """FacepriorError where a result could replace an input, or be taken for one."""
    target = _resolved(out)
    for source in sources:
        given = _resolved(source.place)
        if given == target:
            raise FacepriorError(f"{out.shown()}: holds inputs; choose another folder with -o")
        if source.only:
            continue
        if given.startswith(f"{target}/") or (recursive and target.startswith(f"{given}/")):
            where = f"{source.place.shown()} and {out.shown()}"
            raise FacepriorError(f"{where}: one lies in the other; choose another folder with -o")


def _resolved(place: Place) -> str:
    local = place.local
    return str(local.resolve()) if local is not None else place.shown().rstrip("/")


def prepare(plan: Plan, inputs: Sequence[str], *, overwrite: bool) -> Plan:
    """Mark the output as this run's, or see that it is one to go on with.

    With `overwrite`, only results newer than the mark count as done, by the store's own clock; that holds when the
    run is started again without it, after a kill.
    """
    out, settings = plan.out, json.loads(json.dumps(plan.settings()))
    try:
        if out.kind() in ("file", "other"):
            raise FacepriorError(f"{out.shown()}: is a file; -o names a folder")
        mark = out.stat([RUN])[0]
        before = json.loads(out.read(RUN)) if mark is not None else None
        if before is None and not overwrite and any(not e.name.startswith(".") for e in out.list()):
            raise FacepriorError(f"{out.shown()}: holds files of another origin; --overwrite, or another folder")
        if before is not None and not overwrite:
            old = before["settings"]
            if keys := [key for key in {**settings, **old} if settings.get(key) != old.get(key)]:
                raise FacepriorError(
                    f"{out.shown()}: holds results of other settings ({', '.join(keys)} differ); --overwrite makes "
                    "them anew, -o names another folder"
                )
        if before is None or overwrite:
            data = {"format": 1, **plan.about, "settings": settings, "inputs": list(inputs), "anew": overwrite}
            out.write(RUN, json.dumps(data, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace"))
            before, mark = data, out.stat([RUN])[0]
        if before["anew"] and not mark.modified:
            raise FacepriorError(f"{out.shown()}: tells no times, which --overwrite needs; choose another with -o")
        for folder in (FAILED, FOLDER):
            out.clear(folder)
    except FacepriorError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FacepriorError(f"{out.shown()}: not usable as the output ({reason(error)})") from None
    return plan.later(mark.modified if before["anew"] else 0)


def restore(
    sources: Sequence[Source],
    plan: Plan,
    *,
    workers: int | None = None,
    on_done: Callable[[int], object] = lambda n: None,
    missing: Sequence[tuple[str, str]] = (),
) -> Report:
    """Every image of `sources` into `plan.out`, on the cluster that RAY_ADDRESS names or on this machine.

    workers: each holds a network and a detector; None: all CPUs (or GPUs) there are.
    missing: inputs that failed already; on_done: called with the number of images that are through.
    """
    ray, ours = _start_ray()
    report = Report(plan.out)
    for name, why in missing:
        report.fail(name, why)
    began = time.monotonic()
    try:
        gpu = plan.device == "cuda"
        have = int(ray.cluster_resources().get("GPU" if gpu else "CPU", 1))
        report.workers = workers or max(1, have if gpu else have // plan.threads)
        for outcome in _outcomes(ray, sources, plan, report.workers, gpu):
            report.add(outcome)
            on_done(outcome["done"] + outcome["skipped"] + len(outcome["failed"]))
    except (ray.exceptions.RayError, ValueError) as error:
        raise FacepriorError(f"Ray: {reason(getattr(error, 'cause', None) or error)}") from None
    finally:
        report.seconds = time.monotonic() - began
        if ours:
            ray.shutdown()
        report.close()
    with suppress(OSError):
        plan.out.clear(FOLDER)
    return report


def _start_ray():
    """-> the module, and whether it was started (or joined) here rather than by who calls."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it reports to its makers otherwise
    # What concerns a user comes as an exception; all the rest is in Ray's own log files.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_DATA_LOG_LEVEL", "ERROR")
    import ray

    if ray.is_initialized():
        return ray, False
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    with _without_native_stderr():
        if os.environ.get("RAY_ADDRESS"):
            ray.init(**quiet)
        else:  # names alone pass through the object store
            ray.init(address="local", include_dashboard=False, object_store_memory=128 << 20, **quiet)
    return ray, True


@contextmanager
def _without_native_stderr() -> Iterator[None]:
    """Ray's C++ part greets on descriptor 2 before it heeds any log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _outcomes(ray, sources: Sequence[Source], plan: Plan, workers: int, gpu: bool):
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 64 << 10  # chunks go to the workers while the listing goes on
    # A worker that dies is replaced and its chunk given again, for ever; `attempts` sees to chunks that kill.
    parts = [part for source in sources for part in spread(source)]
    items = [{"source": json.dumps({**part.__dict__, "place": part.place.text})} for part in parts]

    def listed(row: dict[str, Any]):
        data = json.loads(row["source"])
        source = Source(**{**data, "place": Place(data["place"]), "only": tuple(data["only"])})
        for chunk in chunks(source, plan.out, plan.kind, plan.since, workers):
            yield {"chunk": json.dumps(chunk.as_dict())}

    found = ray.data.from_items(items, override_num_blocks=min(len(items), 4096)).flat_map(
        listed, num_cpus=0, compute=ray.data.TaskPoolStrategy(size=max(1, min(8, workers // 4)))
    )
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers, max_tasks_in_flight_per_actor=2)
    outcomes = found.repartition(target_num_rows_per_block=1).map_batches(
        Restorer, fn_constructor_args=(plan,), batch_size=1, compute=pool,
        **({"num_gpus": 1} if gpu else {"num_cpus": plan.threads}),
    )  # fmt: skip
    for batch in outcomes.iter_batches(batch_size=None, batch_format="numpy"):
        for text in batch["outcome"]:
            yield json.loads(str(text))
