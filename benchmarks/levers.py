"""Every lever on inference, tried in one run: how many times the time of what ships each one takes, and what it costs.

    python benchmarks/levers.py [MODEL] [--data SHARDS] [--threads N] [--clock wall|cpu] [--only WORD]

MODEL as in benchmarks/inference.py, with weights that PyTorch can read (a preset, a run folder, .safetensors, or a
packaged model: its layers with random weights where no .safetensors is packaged). Printed: the ratio of times at 1
and at 8 faces a call (below 1 is faster), the largest difference in grey levels on drawn or, with --data, real test
faces, and there the PSNR gained or lost. Then ms a face by batch, threads against processes (--clock wall), and what
fp16 on disk saves.
"""

import argparse
import functools
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
from candidates import find, scratch_folder
from timing import CLOCKS, interleaved

from faceprior.networks import rewrites
from faceprior.networks.export import export_onnx
from faceprior.networks.quantise import export_int8
from faceprior.networks.weights import load_model, read_header
from faceprior.runtime.backends.onnx import session_options
from faceprior.runtime.threads import thread_count
from faceprior.runtime.upscaler import load

Run = Callable[[np.ndarray], np.ndarray]  # faces -> images
BASE = "as shipped: ONNX Runtime, f32"


def session(model: Path, threads: int, change: Callable[[ort.SessionOptions], object] = lambda o: None) -> Run:
    options = session_options(threads)
    change(options)
    made = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda lr: made.run(["images"], {"lr": lr})[0]


def fixed(make: Callable[[int], Run]) -> Run:
    """A runner made anew for each number of faces."""
    made = functools.cache(make)
    return lambda lr: made(len(lr))(lr)


def with_onnx(network, header: dict, threads: int, scratch: Path) -> dict[str, Run]:
    def exported(name: str, **options) -> Path:
        path = scratch / f"{name}.onnx"
        export_onnx(network, path, header, **options)
        return path

    whole = exported("whole")
    every = rewrites.REWRITES
    level = ort.GraphOptimizationLevel
    found = {BASE: session(whole, threads), "no rewrite of the graph": session(exported("none", rewrites=()), threads)}
    for rewrite in every:
        others = tuple(other for other in every if other is not rewrite)
        path = exported(f"without-{rewrite.__name__}", rewrites=others)
        if path.read_bytes() != whole.read_bytes():  # where its pattern does not occur there is nothing to time
            found[f"without {rewrite.__name__}"] = session(path, threads)
    for name, value in (("no fusion at all", level.ORT_DISABLE_ALL), ("constants folded alone", level.ORT_ENABLE_BASIC),
                        ("fused, not blocked (NCHW)", level.ORT_ENABLE_EXTENDED)):  # fmt: skip
        found[name] = session(whole, threads, lambda o, v=value: setattr(o, "graph_optimization_level", v))
    found["threads that wait asleep"] = session(
        whole, threads, lambda o: o.add_session_config_entry("session.intra_op.allow_spinning", "0")
    )
    found["the batch fixed in the graph"] = fixed(
        lambda n: session(whole, threads, lambda o: o.add_free_dimension_override_by_name("N", n))
    )
    return found


def with_openvino(model: Path, threads: int) -> dict[str, Run]:
    import openvino as ov

    found = {}
    for precision in ("f32", "bf16"):
        upscaler = load(model, backend="openvino", precision=precision, threads=threads)
        found[f"OpenVINO {precision}"] = lambda lr, u=upscaler: u.backend.run(lr).images

    def reshaped(n: int) -> Run:
        graph = ov.Core().read_model(model)
        graph.reshape([n, 16, 16, 3])
        settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        request = ov.Core().compile_model(graph, "CPU", settings).create_infer_request()
        return lambda lr: request.infer({"lr": lr}, share_inputs=True)["images"]

    found["OpenVINO bf16, the batch fixed"] = fixed(reshaped)
    return found


def with_torch(weights: Path, threads: int, compiled: bool) -> dict[str, Run]:
    from faceprior.runtime.backends.torch import TorchBackend

    kinds = {
        "PyTorch eager": {"channels_last": False},
        "PyTorch channels-last": {},
        "PyTorch channels-last, bf16": {"precision": "bf16"},
    }
    if compiled:
        kinds |= {
            "PyTorch compiled": {"compiled": True},
            "PyTorch compiled, bf16": {"compiled": True, "precision": "bf16"},
        }
    made = {name: TorchBackend(weights, threads=threads, **options) for name, options in kinds.items()}
    return {name: lambda lr, b=backend: b.run(lr).images for name, backend in made.items()}


def with_int8(network, header: dict, threads: int, calibration: np.ndarray, scratch: Path) -> dict[str, Run]:
    found = {}
    for name, keep in (("int8", False), ("int8, ends in f32", True)):
        model = scratch / f"{name}.onnx"
        export_int8(network, model, header, calibration, keep_ends=keep)
        found[f"{name}, ONNX Runtime"] = session(model, threads)
        if _has("openvino"):
            import openvino as ov

            settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "bf16"}
            request = ov.Core().compile_model(ov.Core().read_model(model), "CPU", settings).create_infer_request()
            found[f"{name}, OpenVINO bf16"] = lambda lr, r=request: r.infer({"lr": lr})["images"].copy()
    return found


def faces(data: Path | None, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """-> test LR, calibration LR, true HR of the test faces (None without data), uint8 NHWC."""
    if data is None:
        coarse = np.random.default_rng(0).integers(0, 256, (2 * count, 4, 4, 3), np.uint8)
        from PIL import Image

        size, way = (16, 16), Image.Resampling.BICUBIC
        smooth = np.stack([np.asarray(Image.fromarray(c).resize(size, way)) for c in coarse])
        return smooth[:count], smooth[count:], None
    import torch

    from faceprior.dataset.pairs import PairMaker
    from faceprior.dataset.store import FaceStore

    def taken(split: str):
        store = FaceStore.load(data, split, limit=8 * count)
        return PairMaker(store).test(torch.linspace(0, len(store) - 1, count).long())

    def levels(x) -> np.ndarray:
        return ((x.permute(0, 2, 3, 1) + 1) * 127.5).round().byte().contiguous().numpy()

    test, train = taken("test"), taken("train")
    return levels(test.lr), levels(train.lr), levels(test.hr)


def psnr(images: np.ndarray, truth: np.ndarray) -> float:
    errors = ((images.astype(float) - truth) ** 2).mean((1, 2, 3))
    return float((10 * np.log10(255**2 / errors)).mean())


def in_batches(run: Run, lr: np.ndarray, size: int = 8) -> np.ndarray:
    return np.concatenate([np.array(run(lr[i : i + size])) for i in range(0, len(lr), size)])


_worker: dict = {}


def _start(model: str) -> None:
    _worker["upscaler"] = load(model, device="cpu", threads=1)


def _restore(lr: np.ndarray) -> int:
    return len(_worker["upscaler"](lr))


def processes_against_threads(model: Path, threads: int, lr: np.ndarray, seconds: float) -> None:
    whole = load(model, device="cpu", threads=threads)
    parts = np.array_split(lr, threads)
    with ProcessPoolExecutor(threads, initializer=_start, initargs=(str(model),)) as pool:
        split = lambda: list(pool.map(_restore, parts))  # noqa: E731
        times = interleaved({"threads": lambda: whole(lr), "processes": split}, seconds=seconds)
    print(f"\n{len(lr)} faces: {threads} processes of one thread take {times.ratio('processes', 'threads'):.2f} "
          f"of the time of {threads} threads")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="default")
    parser.add_argument("--data", type=Path, help="folder written by `faceprior prepare`")
    parser.add_argument("--faces", type=int, default=96, help="test and calibration faces")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall", help="cpu: with --threads 1 alone")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each of the two tables, at least")
    parser.add_argument("--compile", action="store_true", help="PyTorch's compiler too: minutes")
    parser.add_argument("--only", default="", help="levers whose name holds this word")
    a = parser.parse_args()
    threads = thread_count(a.threads)
    if a.clock == "cpu" and threads != 1:
        parser.error("--clock cpu: needs --threads 1")
    with scratch_folder() as folder:
        scratch = Path(folder)
        candidate = find(a.model, scratch)
        if candidate.weights is None:
            parser.error(f"{a.model}: the levers need weights that PyTorch can read")
        network, header = load_model(candidate.weights), read_header(candidate.weights)
        lr, calibration, truth = faces(a.data, a.faces)
        runs = with_onnx(network, header, threads, scratch)
        if _has("openvino"):
            runs |= with_openvino(scratch / "whole.onnx", threads)
        runs |= with_torch(candidate.weights, threads, a.compile)
        runs |= with_int8(network, header, threads, calibration, scratch)
        runs = {name: run for name, run in runs.items() if name == BASE or a.only in name}

        print(f"{candidate.name} ({candidate.note}), {threads} threads, {a.clock} time; "
              f"{len(lr)} {'real test' if a.data else 'smooth random'} faces")  # fmt: skip
        exact = in_batches(runs[BASE], lr)
        times = {
            n: interleaved(
                {name: lambda run=run, n=n: run(lr[:n]) for name, run in runs.items()},
                seconds=a.seconds, clock=a.clock, rounds=5, warm=1,
            )
            for n in (1, 8)
        }  # fmt: skip
        print(f"{'':<36}{'time at 1':>10}{'at 8':>8}{'grey levels off, at most':>26}{'share > 1':>11}{'PSNR':>9}")
        for name, run in runs.items():
            images = in_batches(run, lr)
            off = np.abs(images.astype(int) - exact)
            gain = "-" if truth is None else f"{psnr(images, truth) - psnr(exact, truth):+.3f}"
            ratios = [times[n].ratio(name, BASE) for n in (1, 8)]
            print(f"{name:<36}{ratios[0]:>10.2f}{ratios[1]:>8.2f}{off.max():>26}{(off > 1).mean():>11.3%}{gain:>9}")
        if a.only:
            return
        print("\nms a face by faces in a call (median, best):")
        many = np.concatenate([lr] * -(-64 // len(lr)))[:64]
        sizes = (1, 2, 4, 8, 16, 32, 64)
        calls = {str(n): lambda n=n: [runs[BASE](many[i : i + n]) for i in range(0, 64, n)] for n in sizes}
        by_size = interleaved(calls, seconds=a.seconds, clock=a.clock, warm=1)
        print("  ".join(f"{n}: {1000 / 64 * by_size.median(str(n)):.2f} ({1000 / 64 * by_size.best(str(n)):.2f})"
                        for n in sizes))  # fmt: skip
        if a.clock == "wall" and threads > 1:
            processes_against_threads(scratch / "whole.onnx", threads, np.concatenate([many] * 4), a.seconds)
        print("\non disk:", end="")
        for name in ("whole", "fp32"):
            began = time.process_time()
            for _ in range(5):
                session(scratch / f"{name}.onnx", threads)
            took = (time.process_time() - began) / 5
            size = (scratch / f"{name}.onnx").stat().st_size / 1e6
            kept = "fp16" if name == "whole" else "fp32"
            print(f"  {kept} {size:.1f} MB, loads in {1000 * took:.0f} ms of CPU", end="")
        print()


def _has(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


if __name__ == "__main__":
    main()
