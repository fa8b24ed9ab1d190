"""How fast a face is, in one run: ONNX Runtime, OpenVINO and PyTorch, against the machine's own measured peak.

    python benchmarks/inference.py [MODEL ...] [--onnx FILE ...] [--threads N] [--seconds S]
    python benchmarks/inference.py [MODEL] --layers [--batch N]

MODEL: a packaged model, "mtun" (the paper's network) or "compact" (random weights where none is packaged), a run
folder, a .safetensors or .onnx file; default: default, mtun, compact. Prints for each and for each runtime ms a face
for calls of 1, 16 and 256 faces, GFLOP/s at 16 and their share of the peak convolution of the same runtime, how many
times PyTorch eager's time the time at 1 is, peak memory, and the time from nothing to the first face.

Other work on the machine disturbs: all candidates of a model take turns, figures are medians over the rounds (the
best in brackets), ratios are medians of the rounds' own ratios. `--layers` has ONNX Runtime's own profile instead.
"""

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from candidates import Candidate, find, names, scratch_folder
from layers import print_layers
from peaks import Peak, onnx_runtime, openvino, peaks
from runners import DEFAULT, RUNTIMES, runner
from timing import CLOCKS, Times, interleaved

from faceprior.runtime.threads import thread_count

CALLS = (1, 16, 256)
COLD = """
import json, re, resource, sys
from pathlib import Path
import numpy as np
from faceprior import load
model, backend, precision, threads, faces = sys.argv[1:]
up = load(model, backend=backend, device="cpu", precision=precision, threads=int(threads))
lr = np.random.default_rng(0).integers(0, 256, (int(faces), up.size, up.size, 3), np.uint8)
up(lr)
status = Path("/proc/self/status")  # what getrusage says there begins with the parent's peak
if status.exists():
    peak = 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps(peak))
"""


def cold(candidate: Candidate, runtime: str, threads: int, faces: int, rounds: int, clock: str) -> tuple[float, float]:
    """Fresh processes -> (seconds from nothing to `faces` restored, peak bytes), medians."""
    backend, *words = runtime.split()
    file = candidate.weights if backend == "torch" else candidate.onnx
    arguments = [str(file), backend, "bf16" if words else "f32", str(threads), str(faces)]
    seconds, memory = [], []
    for _ in range(rounds):
        began = _clock_of_children(clock)
        said = subprocess.run([sys.executable, "-c", COLD, *arguments], capture_output=True, text=True, check=True)
        seconds.append(_clock_of_children(clock) - began)
        memory.append(json.loads(said.stdout.splitlines()[-1]))
    return statistics.median(seconds), statistics.median(memory)


def measure(candidate: Candidate, runtimes: list[str], a: argparse.Namespace) -> None:
    threads = thread_count(a.threads)
    print(
        f"\n{candidate.name}: {candidate.gflop:.2f} GFLOP a face, {candidate.parameters / 1e6:.2f} M parameters, "
        f"{candidate.onnx.stat().st_size / 1e6:.1f} MB on disk ({candidate.note})"
    )
    runs = {runtime: run for runtime in runtimes if (run := runner(candidate, runtime, threads)) is not None}
    ceilings = {runtime: peaks_of(runtime, threads) for runtime in runs}
    sizes = [int(size) for size in a.calls.split(",")]
    shape = (max(sizes), candidate.size, candidate.size, 3)
    lr = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    times: dict[int, Times] = {}
    for faces in sizes:
        taking_part = {r: run for r, run in runs.items() if faces < 256 or not r.startswith("torch")}
        calls = {r: (lambda run=run, faces=faces: run(lr[:faces])) for r, run in taking_part.items()}
        if faces == 16:
            calls |= {f"{r} peak": ceilings[r]["convolution"].run for r in runs if ceilings[r]}
        few = {"rounds": 1, "warm": 0} if faces == 256 else {"rounds": 3}  # its calls are warm from 16
        times[faces] = interleaved(calls, seconds=a.seconds, clock=a.clock, **few)
    print(
        f"{'':<20}" + "".join(f"{f'ms a face, {faces}':>22}" for faces in sizes)
        + f"{'GFLOP/s at 16':>15}{'of its peak':>13}{'eager / it, at 1':>18}{'first face s':>14}{'peak MB 1/256':>15}"
    )  # fmt: skip
    for runtime in runs:
        cells = [f"{runtime:<20}"]
        for faces in sizes:
            there = runtime in times[faces].seconds
            median, best = ((1000 * f(runtime) / faces for f in (times[faces].median, times[faces].best))
                            if there else (0, 0))  # fmt: skip
            cells.append(f"{f'{median:.2f} ({best:.2f})' if there else '-':>22}")
        at = times[16]
        cells.append(f"{16 * candidate.gflop / at.median(runtime):>15.0f}")
        share = "-"
        if f"{runtime} peak" in at.seconds:
            peak = ceilings[runtime]["convolution"]
            share = f"{100 * 16 * candidate.gflop / peak.gflop / at.ratio(runtime, f'{runtime} peak'):.0f} %"
        cells.append(f"{share:>13}")
        cells.append(f"{times[1].ratio('torch', runtime):>17.1f}x" if "torch" in runs else f"{'-':>18}")
        if not a.cold or candidate.weights is None or "compiled" in runtime or runtime in ("torch bf16", "int8"):
            cells.append(f"{'-':>14}{'-':>15}")
        else:
            first, small = cold(candidate, runtime, threads, 1, 5, a.clock)
            _, large = cold(candidate, runtime, threads, 16 if runtime.startswith("torch") else 256, 1, a.clock)
            cells.append(f"{first:>14.2f}{f'{small / 1e6:.0f}/{large / 1e6:.0f}':>15}")
        print("".join(cells), flush=True)


def peaks_of(runtime: str, threads: int) -> dict[str, Peak]:
    if runtime == "onnx":
        return peaks(onnx_runtime(threads))
    if runtime.startswith("openvino"):
        return peaks(openvino(threads, "bf16" if "bf16" in runtime else "f32"))
    return {}


def print_peaks(runtimes: list[str], threads: int, a: argparse.Namespace) -> None:
    found = {f"{r}, {what}": peak for r in runtimes for what, peak in peaks_of(r, threads).items()}
    times = interleaved({name: peak.run for name, peak in found.items()}, seconds=a.seconds, clock=a.clock)
    for name, peak in found.items():
        print(f"peak of {name:<28}{peak.gflop / times.median(name):>7.0f} GFLOP/s "
              f"({peak.gflop / times.best(name):.0f})")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", default=[])
    parser.add_argument("--onnx", nargs="*", default=[], metavar="FILE", help="outside models")
    parser.add_argument("--runtimes", default=",".join(DEFAULT), help=f"of: {', '.join(RUNTIMES)}")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each size of call, at least")
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall", help="cpu: with --threads 1 alone")
    parser.add_argument("--layers", action="store_true", help="ONNX Runtime's time by operator and layer instead")
    parser.add_argument("--cold", action=argparse.BooleanOptionalAction, default=True, help="start-up and memory")
    parser.add_argument("--calls", default=",".join(map(str, CALLS)), help="faces in a call; 1 and 16 among them")
    parser.add_argument("--batch", type=int, default=8, help="with --layers: faces in a call")
    a = parser.parse_args()
    if a.clock == "cpu" and a.threads != 1:
        parser.error("--clock cpu: needs --threads 1")
    models = names(a.models or ([] if a.onnx else ["default", "mtun", "compact"]))
    if a.layers:
        models = models[:1] or ["default"]
    with scratch_folder() as scratch:
        candidates = [find(name, Path(scratch)) for name in [*models, *a.onnx]]
        if a.layers:
            return print_layers(candidates[0].onnx, a.batch, thread_count(a.threads))
        runtimes = a.runtimes.split(",")
        print(f"{thread_count(a.threads)} threads, {a.clock} time; ratios are within rounds, medians (best)")
        usable = [r for r in runtimes if not r.startswith("openvino") or _installed("openvino")]
        print_peaks([r for r in usable if not r.startswith("torch")], thread_count(a.threads), a)
        for candidate in candidates:
            measure(candidate, usable, a)


def _clock_of_children(clock: str) -> float:
    if clock == "wall":
        return time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


if __name__ == "__main__":
    main()
