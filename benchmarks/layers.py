"""Where the time of a model goes, by ONNX Runtime's own profiler."""

import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import onnxruntime as ort

from faceprior.runtime.backends.contract import OUTPUTS
from faceprior.runtime.backends.onnx import session_options

ROUNDS, SHOWN = 30, 25


def print_layers(model: Path, faces: int, threads: int) -> None:
    """By operator and by layer: microseconds a face, the best of `ROUNDS` calls of `faces` faces."""
    with tempfile.TemporaryDirectory() as scratch:
        options = session_options(threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(scratch, "profile"))
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        running = ort.RunOptions()
        running.only_execute_path_to_fetches = True
        lr = np.random.default_rng(0).integers(0, 256, (faces, 16, 16, 3), np.uint8)
        for _ in range(ROUNDS):
            session.run([name for name, *_ in OUTPUTS], {session.get_inputs()[0].name: lr}, running)
        events = json.loads(Path(session.end_profiling()).read_text())
    times, about = defaultdict(list), {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            times[event["name"]].append(event["dur"])
            about[event["name"]] = event["args"]
    best = {name: min(found) / faces for name, found in times.items()}
    whole = sum(best.values())
    print(f"{model.name}: {faces} faces a call, {threads} threads: {whole:.0f} us a face in {len(best)} layers\n")
    operators, counts = Counter(), Counter()
    for name, time in best.items():
        operators[about[name]["op_name"]] += time
        counts[about[name]["op_name"]] += 1
    print(f"{'operator':<24}{'layers':>7}{'us a face':>11}{'share':>8}")
    for operator, time in operators.most_common(15):
        print(f"{operator:<24}{counts[operator]:>7}{time:>11.0f}{time / whole:>8.1%}")
    print(f"\n{'us a face':>9}{'share':>7}{'GFLOP/s':>9}  layer")
    for name, time in sorted(best.items(), key=lambda item: -item[1])[:SHOWN]:
        inputs, outputs = (_shapes(about[name].get(key)) for key in ("input_type_shape", "output_type_shape"))
        rate = ""
        if about[name]["op_name"] == "Conv" and len(inputs) > 1:
            rate = f"{2 * np.prod(outputs[0][1:]) * np.prod(inputs[1][1:]) / time / 1e3:.0f}"
        told = ", ".join("x".join(map(str, shape)) for shape in inputs)
        print(f"{time:>9.0f}{time / whole:>7.1%}{rate:>9}  {about[name]['op_name']} {told} -> "
              f"{'x'.join(map(str, outputs[0]))}")  # fmt: skip


def _shapes(values: list[dict] | None) -> list[list[int]]:
    return [next(iter(value.values())) for value in values or []]
