"""Faces a second through Ray and through the local engine, in one run, and what 100 million faces take by them.

    python benchmarks/batch_engine.py [--images FOLDER] [--model MODEL] [--faces 600] [--workers 2]

Needs `.[ray]`; counts the requests to an S3 where `moto[server]` is installed. Each engine runs on a quarter of the
faces and on all of them: the difference gives its rate, the rest is its start. The prices are assumptions: see
--help. docs/scale.md holds what it printed.
"""

import argparse
import json
import os
import re
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


KINDS = {"worker": b"ray::MapWorker", "driver": b"--engine", "scheduler": b"raylet"}  # in their command lines


class Peak(threading.Thread):
    """The largest resident memory of each kind of process below this one, looked at five times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most: Counter[str] = Counter()
        self.stop = threading.Event()
        self.start()

    def run(self) -> None:
        while not self.stop.wait(0.2):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    command = (folder / "cmdline").read_bytes()
                    kind = next((kind for kind, mark in KINDS.items() if mark in command), None)
                    if kind:
                        kb = int(re.search(r"VmRSS:\s+(\d+)", (folder / "status").read_text())[1])
                        self.most[kind] = max(self.most[kind], kb * 1024)
                except (OSError, TypeError):  # it has ended
                    continue


def upscale(source: Path, out: Path, *options: str, environment: dict[str, str] | None = None) -> float:
    """Seconds of `faceprior upscale --cropped`, its start included."""
    began = time.perf_counter()
    command = [sys.executable, "-c", CLI, "upscale", str(source), "--cropped", "-o", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - began


def rate(part: Path, whole: Path, out: Path, *options: str) -> tuple[float, float]:
    """-> faces a second once it runs, seconds until it does."""
    few, many = len(list(part.iterdir())), len(list(whole.iterdir()))
    short = upscale(part, out / "short", *options)
    long = upscale(whole, out / "long", *options)
    per_face = (long - short) / (many - few)
    return 1 / per_face, short - few * per_face


def requests(folder: Path, model: list[str], count: int = 512) -> Counter[str] | None:
    """Requests an image of each kind, to an S3 on this machine; None without moto."""
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
    files = sorted(folder.iterdir())[:count]
    for path in files:
        with store.open_output_stream(f"faces/in/{path.name}") as file:
            file.write(path.read_bytes())
    seen.clear()
    source, out = (f"s3://a:b@faces/{name}{query}" for name in ("in", "out"))
    upscale(source, out, "--engine", "ray", "-j", "1", *model)  # one worker: chunks nearly as large as at scale
    server.stop()
    return Counter({kind: n / len(files) for kind, n in seen.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=None, help="faces already cut out (default: drawn)")
    parser.add_argument("--model", default=None, help="default: the packaged model")
    parser.add_argument("--faces", type=int, default=600)
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
        local, local_start = rate(
            part, whole, out / "local", "--no-sheet", "--threads", str(a.workers), *model
        )
        print(f"local engine, {a.workers} threads: {local:.1f} faces/s, {local_start:.1f} s to start", flush=True)
        one, one_start = rate(part, whole, out / "one", "--engine", "ray", "-j", "1", *model)
        print(f"Ray, 1 worker of 1 thread: {one:.1f} faces/s, {one_start:.1f} s to start", flush=True)
        peak = Peak()
        many, many_start = rate(part, whole, out / "many", "--engine", "ray", "-j", str(a.workers), *model)
        peak.stop.set()
        print(f"Ray, {a.workers} workers: {many:.1f} faces/s, {many_start:.1f} s to start", flush=True)
        skip = upscale(whole, out / "many" / "long", "--engine", "ray", "-j", str(a.workers), *model)
        print(f"Ray, all done already: {skip:.1f} s for {a.faces} faces", flush=True)
        results = list((out / "many" / "long").glob("*.png"))
        assert len(results) == a.faces
        size_out = sum(path.stat().st_size for path in results) / a.faces
        print(f"bytes a face: {size_in:.0f} in, {size_out:.0f} out")
        print("memory, largest of each kind, MB: " + ", ".join(f"{k} {v / 1e6:.0f}" for k, v in peak.most.items()))
        name = _listing(folder)
        print(f"listing: {name[0]:.0f} bytes of memory a name in one folder, {name[1]:.0f} names/s on this disk")
        asked = requests(whole, model)
        if asked is None:
            print("requests: not counted (moto[server] is not installed)")
        else:
            print("requests an image: " + ", ".join(f"{kind} {n:.2f}" for kind, n in sorted(asked.items())))
        model_name = json.loads((out / "many" / "long" / "_faceprior" / "run.json").read_text())["model"]["name"]
        shutil.rmtree(out)

    core = many / a.workers
    hours = a.total / core / 3600
    print(f"\n{a.total / MILLION:.0f} million faces by these figures ({model_name}, {core:.1f} faces/s a core):")
    print(f"  {hours:.0f} core-hours; {hours / a.cores:.1f} hours on {a.cores} cores; ${hours * a.core_hour:.0f}")
    for what, size in (("in", size_in), ("out", size_out)):
        month = a.total * size / 1e9 * a.gigabyte_month
        print(f"  {what}: {a.total * size / 1e12:.2f} TB, ${month:.0f} a month stored")
    flow = a.cores * core * (size_in + size_out)
    print(f"  network: {flow / 1e6:.0f} MB/s for the cluster, {core * (size_in + size_out) / 1e3:.0f} kB/s a core")
    if asked is not None:
        price = {"PUT": a.put, "LIST": 0.0, "GET": a.get, "HEAD": a.get, "DELETE": 0.0}
        cost = {kind: a.total / MILLION * n * price[kind] for kind, n in asked.items()}
        cost["LIST"] = 2 * a.total / 1000 / MILLION * a.put  # 1,000 names each, of the input and of the output
        parts = ", ".join(f"{kind} ${dollars:.0f}" for kind, dollars in sorted(cost.items()))
        print(f"  requests: {parts}; ${sum(cost.values()):.0f} in all")
    print(f"  memory: {a.cores * peak.most['worker'] / 1e9:.0f} GB for {a.cores} workers")


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
