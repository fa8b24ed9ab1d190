"""How fast a training step is on a device, lever by lever, and where its time goes.

    python benchmarks/training_speed.py --data SHARDS [--preset compact] [--batch N] [--device auto] [--compile]

One run prints the device's measured bf16 peak (a large matrix product), the step's GFLOP (counted, forward and
backward), and for each setting, all on the same faces in turns: images/s, times the plain fp32 step, the share of that
peak. Then what pair-making adds to the last setting's step, and that step's profile by kind of work. On a GPU
the compiled steps are tried always, also replayed as CUDA graphs. VGG and the discriminator are left out: the figures
are the generator's, its losses', its optimiser's and its average's.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from timing import CLOCKS, interleaved
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from faceprior.dataset.pairs import PairMaker
from faceprior.dataset.store import FaceStore
from faceprior.networks.kinds import make_network
from faceprior.training.config import TrainConfig
from faceprior.training.devices import make_fabric
from faceprior.training.schedule import Position
from faceprior.training.step import Step

SETTINGS = {  # name -> precision, channels-last, torch.compile's mode
    "fp32": ("32-true", False, None),
    "fp32, channels-last": ("32-true", True, None),
    "bf16": ("bf16-mixed", False, None),
    "bf16, channels-last": ("bf16-mixed", True, None),
}
COMPILED = {"bf16, channels-last, compiled": ("bf16-mixed", True, "default")}
GRAPHED = {"bf16, channels-last, compiled, CUDA graphs": ("bf16-mixed", True, "reduce-overhead")}
KINDS = {  # by what the operators' and kernels' names hold, first that fits
    "optimiser and average": ("_foreach", "fused_adam", "adam", "lerp", "multi_tensor"),
    "batch norm": ("batch_norm", "bn_"),
    "convolution, matrix product": ("conv", "mm", "gemm", "cudnn", "mkldnn", "onednn", "cutlass", "sm90", "sm80"),
    "grid sample": ("grid_sample", "grid_sampler"),
    "pooling, enlarging": ("pool", "upsample"),
    "copies, casts, layouts, joins": ("copy", "cat", "to_copy", "contiguous", "clone", "memcpy", "memset", "transpose"),
    "compiled, element by element": ("triton", "cpp_fused"),
}
OTHER = "element by element, sums, the rest"


def peak_gflops(device: torch.device, seconds: float, clock: str) -> tuple[float, float]:
    """bf16 matrix product -> GFLOP/s, median and best."""
    side = 8192 if device.type == "cuda" else 2048
    x = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    times = interleaved({"peak": waiting(device, lambda: x @ x)}, seconds=seconds, clock=clock)
    return 2 * side**3 / 1e9 / times.median("peak"), 2 * side**3 / 1e9 / times.best("peak")


def waiting(device: torch.device, call: Callable[[], object]) -> Callable[[], None]:
    """`call`, and until the device has done it."""

    def run() -> None:
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def kind_of_work(name: str) -> str:
    low = name.lower()
    return next((kind for kind, words in KINDS.items() if any(word in low for word in words)), OTHER)


def print_profile(device: torch.device, call: Callable[[], None], steps: int = 3) -> None:
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    call()
    with profile(activities=activities) as profiler:
        for _ in range(steps):
            call()
    kinds: Counter[str] = Counter()
    for event in profiler.key_averages():
        if device.type == "cuda":  # kernels alone: the operators that start them count none of their own
            time = event.self_device_time_total if event.device_type.name == "CUDA" else 0
        else:
            time = event.self_cpu_time_total
        kinds[kind_of_work(event.key)] += time
    whole = sum(kinds.values())
    counted = "kernels" if device.type == "cuda" else "operators"
    print(f"\nwhere the last setting's step goes ({counted}, mean of {steps} steps):")
    for kind, time in kinds.most_common():
        print(f"  {kind:<36}{time / steps / 1000:>10.2f} ms{time / whole:>8.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder written by `faceprior prepare`")
    parser.add_argument("--preset", default="compact")
    parser.add_argument("--batch", type=int, default=None, help="default: the preset's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true", help="compiled steps on a CPU too: minutes")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall", help="cpu: with --threads 1 alone")
    parser.add_argument("--seconds", type=float, default=20.0)
    a = parser.parse_args()
    if a.clock == "cpu" and a.threads != 1:
        parser.error("--clock cpu: needs --threads 1")
    if a.threads:
        torch.set_num_threads(a.threads)

    def configured(precision: str, channels_last: bool) -> TrainConfig:
        wanted = {"run.precision": precision, "run.channels_last": str(channels_last).lower(), "run.compile": "false",
                  "loss.feature_weight": 0, "loss.adversarial_weight": 0}  # fmt: skip
        if a.batch:
            wanted["run.batch"] = a.batch
        return TrainConfig.load(a.preset, [f"{key}={value}" for key, value in wanted.items()])

    first = configured("32-true", False)
    device = make_fabric(a.device, 1, "32-true").device
    batch = first.run.batch
    store = FaceStore.load(a.data, "train", limit=max(4 * batch, 256)).to(device)
    maker, draws, index = PairMaker(store), torch.Generator().manual_seed(0), torch.arange(batch)
    pairs = maker.train(index, draws)
    at = Position(0, 0, 1000, 0.0, first.run.max_time)

    settings = dict(SETTINGS)
    if a.compile or device.type == "cuda":
        settings |= COMPILED
    if device.type == "cuda":
        settings |= GRAPHED
    steps, gflop = {}, 0.0
    for name, (precision, channels_last, mode) in settings.items():
        config = configured(precision, channels_last)
        fabric = make_fabric(a.device, 1, precision)
        fabric.launch()
        torch.manual_seed(0)
        step = Step(fabric, config, make_network(config.model), None, None)
        if mode:
            step.generator.compile(mode=mode)
        if not gflop:
            with FlopCounterMode(display=False) as counter:
                step(pairs, at)
            gflop = counter.get_total_flops() / 1e9
        steps[name] = waiting(device, lambda step=step: step(pairs, at))

    peak, best = peak_gflops(device, a.seconds / 4, a.clock)
    print(f"{a.preset}, batch {batch}, {device}, {torch.get_num_threads()} threads, {a.clock} time")
    print(f"peak of a bf16 matrix product: {peak:.0f} GFLOP/s ({best:.0f}); a step: {gflop:.1f} GFLOP\n")
    last = list(steps)[-1]
    making = f"{last}, its pairs made too"
    steps[making] = waiting(device, lambda: (maker.train(index, draws), steps[last]()))
    times = interleaved(steps, seconds=a.seconds, clock=a.clock, rounds=3, warm=3 if device.type == "cuda" else 1)
    print(f"{'':<56}{'images/s':>10}{'x fp32':>9}{'GFLOP/s':>9}{'of the peak':>13}")
    for name in steps:
        seconds = times.median(name)
        print(f"{name:<56}{batch / seconds:>10.1f}{1 / times.ratio(name, 'fp32'):>9.2f}{gflop / seconds:>9.0f}"
              f"{gflop / seconds / peak:>13.1%}")  # fmt: skip
    print(f"pair-making takes {times.ratio(making, last) - 1:.1%} of a step")
    print_profile(device, steps[last])


if __name__ == "__main__":
    main()
