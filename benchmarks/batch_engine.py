"""Faces a second through Ray and through the local engine, in one run, and what 100 million faces take by them.

    python benchmarks/batch_engine.py [--images FOLDER] [--model MODEL] [--faces 600] [--workers 2]

Needs `.[ray]`; counts the requests to an S3 where `moto[server]` is installed. Each engine runs on a quarter of the
faces and on all of them: the difference gives its rate, the rest is its start. The arithmetic goes by the CPU time of
the workers, which other work on the machine changes less than the rate. The prices are assumptions: see
--help. docs/scale.md holds what it printed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

CLI = "from faceprior.cli.app import main; main()"
MILLION = 1e6


def draw(folder: Path, count: int) -> None:
    """Without --images: smooth noise of 64x64, as large as a face of a distance. The network takes as long for it."""
    rng = np.random.default_rng(0)
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{i:06d}.jpg", quality=90)


def collect(folder: Path, images: Path, count: int) -> None:
    """`count` files of `images`, again from the first where there are fewer; no file twice on the disk."""
    found = sorted(path for path in images.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))[:count]
    for i in range(count):
        source = found[i % len(found)].resolve()
        (folder / f"{i:06d}{source.suffix.lower()}").symlink_to(source)


class Watch(threading.Thread):
    """CPU seconds and largest resident memory of a command's processes, looked at ten times a second.

    worker: those that restore (Ray's workers, or the local engine itself); rest: driver, scheduler and the like.
    """

    def __init__(self, pid: int, ray: bool):
        super().__init__(daemon=True)
        self.pid, self.ray = pid, ray
        self.cpu: dict[tuple[str, int], float] = {}
        self.most: Counter[str] = Counter()
        self.stop = threading.Event()
        self.start()

    def run(self) -> None:
        tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        while not self.stop.wait(0.1):
            seen = {}
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                    ticks = int(fields[11]) + int(fields[12])
                    seen[int(folder.name)] = (int(fields[1]), ticks, int(fields[21]), folder)
                except (OSError, IndexError):  # it has ended
                    continue
            for pid, (_, ticks, pages, folder) in seen.items():
                try:
                    if not self._ours(pid, seen):
                        continue
                    works = not self.ray or b"ray::MapWorker" in (folder / "cmdline").read_bytes()
                except OSError:
                    continue
                kind = "worker" if works else "rest"
                self.cpu.pop(("rest", pid), None)  # a process becomes a worker only once it has started
                self.cpu[kind, pid] = ticks / tick
                self.most[kind] = max(self.most[kind], pages * page)

    def _ours(self, pid: int, seen: dict) -> bool:
        while pid in seen and pid != self.pid:
            pid = seen[pid][0]
        return pid == self.pid

    def seconds(self, kind: str) -> float:
        return sum(value for (of, _), value in self.cpu.items() if of == kind)


def upscale(source: Path | str, out: Path | str, *options: str) -> tuple[float, Watch]:
    """Seconds of `faceprior upscale --cropped`, its start included, and what its processes took."""
    command = [sys.executable, "-c", CLI, "upscale", str(source), "--cropped", "-o", str(out), *options]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        watch = Watch(process.pid, "ray" in options)
        said, _ = process.communicate()
    seconds = time.perf_counter() - began
    watch.stop.set()
    watch.join()
    if process.returncode:
        sys.exit(said)
    return seconds, watch


def rate(name: str, part: Path, whole: Path, out: Path, *options: str) -> tuple[float, Watch]:
    """Prints a line; -> CPU seconds a face of those that restore, and the watch of the longer run."""
    few, many = len(list(part.iterdir())), len(list(whole.iterdir()))
    short, of_short = upscale(part, out / "short", *options)
    long, of_long = upscale(whole, out / "long", *options)
    per_face = (long - short) / (many - few)
    cpu = (of_long.seconds("worker") - of_short.seconds("worker")) / (many - few)
    start = short - few * per_face
    print(f"{name}: {1 / per_face:.1f} faces/s, {start:.1f} s to start, {1000 * cpu:.1f} ms of CPU a face", flush=True)
    return cpu, of_long


def requests(folder: Path, model: list[str]) -> Counter[str] | None:
    """Requests an image of each kind, to an S3 on this machine; None without moto.

    The difference of two runs of as many chunks, so that what a run and a chunk take is left out: at scale that is
    three requests for 256 images.
    """
    try:
        from moto.server import ThreadedMotoServer
        from werkzeug.serving import WSGIRequestHandler
    except ImportError:
        return None
    import pyarrow.fs as pafs

    seen: Counter[str] = Counter()

    def note(handler, *_) -> None:
        listing = handler.command == "GET" and "list-type" in handler.path
        seen["LIST" if listing else {"POST": "PUT"}.get(handler.command, handler.command)] += 1

    WSGIRequestHandler.log_request = note
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    query = f"?endpoint_override={host}:{port}&scheme=http&allow_bucket_creation=true"
    os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    store, _ = pafs.FileSystem.from_uri(f"s3://a:b@faces/{query}")
    store.create_dir("faces")
    files, had = sorted(folder.iterdir()), []
    few, many = len(files) // 4, len(files)
    for count in (few, many):
        for path in files[:count]:
            with store.open_output_stream(f"faces/in{count}/{path.name}") as file:
                file.write(path.read_bytes())
        seen.clear()
        source, out = (f"s3://a:b@faces/{name}{count}{query}" for name in ("in", "out"))
        upscale(source, out, "--engine", "ray", "-j", "1", *model)
        had.append(Counter(seen))
    server.stop()
    return Counter({kind: (had[1][kind] - had[0][kind]) / (many - few) for kind in had[1]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=None, help="faces already cut out (default: drawn)")
    parser.add_argument("--model", default=None, help="default: the packaged model")
    parser.add_argument("--faces", type=int, default=600)
    parser.add_argument("--shards", type=Path, default=None, help="of `faceprior prepare`, for their bytes a face")
    parser.add_argument("--workers", type=int, default=2, help="of one thread each, and threads of the local engine")
    parser.add_argument("--total", type=float, default=100e6, help="faces of the arithmetic")
    parser.add_argument("--cores", type=int, default=400, help="cores of the cluster in the arithmetic")
    parser.add_argument("--core-hour", type=float, default=0.04, help="dollars (assumed)")
    parser.add_argument("--put", type=float, default=5.0, help="dollars a million PUT, LIST (assumed)")
    parser.add_argument("--get", type=float, default=0.4, help="dollars a million GET, HEAD (assumed)")
    parser.add_argument("--gigabyte-month", type=float, default=0.023, help="dollars, stored (assumed)")
    a = parser.parse_args()
    model = ["--model", a.model] if a.model else []
    os.environ |= {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}

    with tempfile.TemporaryDirectory(prefix="faceprior-") as text:
        folder = Path(text)
        part, whole, out = folder / "part", folder / "whole", folder / "out"
        for place, count in ((part, a.faces // 4), (whole, a.faces)):
            place.mkdir()
            collect(place, a.images, count) if a.images else draw(place, count)
        size_in = sum(path.stat().st_size for path in whole.iterdir()) / a.faces
        ray = ("--engine", "ray", "-j")
        for threads in (a.workers, 1):
            local = ("--no-sheet", "--threads", str(threads))
            rate(f"local, {threads} threads", part, whole, out / f"local{threads}", *local, *model)
        rate("Ray, 1 worker", part, whole, out / "one", *ray, "1", *model)
        cpu, watch = rate(f"Ray, {a.workers} workers", part, whole, out / "many", *ray, str(a.workers), *model)
        skip, _ = upscale(whole, out / "many" / "long", *ray, str(a.workers), *model)
        print(f"Ray, all done already: {skip:.1f} s for {a.faces} faces", flush=True)
        results = list((out / "many" / "long").glob("*.png"))
        assert len(results) == a.faces
        size_out = sum(path.stat().st_size for path in results) / a.faces
        print(f"bytes a face: {size_in:.0f} in, {size_out:.0f} out")
        most = {kind: watch.most[kind] / 1e6 for kind in ("worker", "rest")}
        print(f"memory: a worker {most['worker']:.0f} MB, the largest other process {most['rest']:.0f} MB")
        name = _listing(folder)
        print(f"listing: {name[0]:.0f} bytes of memory a name in one folder, {name[1]:.0f} names/s on this disk")
        asked = requests(whole, model)
        if asked is None:
            print("requests: not counted (moto[server] is not installed)")
        else:
            print("requests an image: " + ", ".join(f"{kind} {n:.2f}" for kind, n in sorted(asked.items())))
        model_name = json.loads((out / "many" / "long" / "_faceprior" / "run.json").read_text())["model"]["name"]
        shutil.rmtree(out)

    core = 1 / cpu
    hours = a.total / core / 3600
    print(f"\n{a.total / MILLION:.0f} million faces by this ({model_name}, {1000 * cpu:.1f} ms of CPU a face):")
    print(f"  {hours:.0f} core-hours; {hours / a.cores:.1f} hours on {a.cores} cores; ${hours * a.core_hour:.0f}")
    for what, size in (("in", size_in), ("out", size_out)):
        month = a.total * size / 1e9 * a.gigabyte_month
        print(f"  {what}: {a.total * size / 1e12:.2f} TB, ${month:.0f} a month stored")
    flow = a.cores * core * (size_in + size_out)
    print(f"  network: {flow / 1e6:.0f} MB/s for the cluster, {core * (size_in + size_out) / 1e3:.0f} kB/s a core")
    if asked is not None:
        price = {"PUT": a.put, "LIST": a.put, "GET": a.get, "HEAD": a.get, "DELETE": 0.0}
        cost = {kind: a.total / MILLION * n * price[kind] for kind, n in asked.items()}
        cost["LIST"] += 2 * a.total / 1000 / MILLION * a.put  # 1,000 names each, of the input and of the output
        parts = ", ".join(f"{kind} ${dollars:.0f}" for kind, dollars in sorted(cost.items()))
        print(f"  requests: {parts}; ${sum(cost.values()):.0f} in all")
    if a.shards:
        disk, memory = prepared(a.shards)
        print(f"  prepared for training: {a.total * disk / 1e12:.2f} TB of shards ({disk:.0f} bytes a face), ", end="")
        print(f"{a.total * memory / 1e12:.1f} TB of memory in each process ({memory} bytes a face)")
    print(f"  memory: {a.cores * most['worker'] / 1e3:.0f} GB for {a.cores} workers")


def prepared(shards: Path) -> tuple[float, int]:
    """Bytes a face of `faceprior prepare`'s files, and in the memory of a training process."""
    import pyarrow.parquet as parquet

    from faceprior.dataset.context import CONTEXT

    files = sorted(shards.glob("*.parquet"))
    rows = sum(parquet.read_metadata(file).num_rows for file in files)
    return sum(file.stat().st_size for file in files) / rows, 3 * CONTEXT**2


def _listing(folder: Path, count: int = 50_000) -> tuple[float, float]:
    """-> bytes of Python's memory a name at the most, and names a second, of one folder with nothing done."""
    import tracemalloc

    from faceprior.bulk.listing import Source, chunks
    from faceprior.bulk.places import Place

    names = folder / "names"
    names.mkdir()
    for i in range(count):
        (names / f"{i:012d}.jpg").touch()
    source, out = Source(Place(str(names))), Place(str(folder / "nothing"))

    def through() -> None:
        found = sum(len(c.files) for c in chunks(source, out, "cropped", 0, 400))
        assert found == count

    began = time.perf_counter()
    through()
    seconds = time.perf_counter() - began
    tracemalloc.start()
    through()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / count, count / seconds


if __name__ == "__main__":
    main()
