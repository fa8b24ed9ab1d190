"""What a residual block costs a training step on this CPU, by channels and pixels: where a network should do its work.

    python benchmarks/blocks.py [--precision bf16-mixed] [--batch 32]

One thread, CPU time, forward and backward; the best of a few, since other work on the machine only adds to it.
"""

import argparse
import time

import torch
from torch import nn

from faceprior.networks.blocks import Plain, Residual

SIZES = ((128, 8), (128, 16), (256, 16), (64, 32), (96, 32), (32, 64), (64, 64))  # channels, pixels
DEPTH = 4


def cost(block: type[nn.Module], channels: int, size: int, batch: int, bf16: bool) -> tuple[float, float]:
    """-> (million multiplications a face, CPU milliseconds a face) of one block."""
    net = nn.Sequential(*(block(channels) for _ in range(DEPTH))).to(memory_format=torch.channels_last)
    x = torch.randn(batch, channels, size, size).contiguous(memory_format=torch.channels_last)
    products = sum(p.numel() for p in net.parameters() if p.ndim == 4) * size**2 / DEPTH
    best = float("inf")
    for _ in range(6):
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            y = net(x)
        y.float().square().mean().backward()
        best = min(best, time.process_time() - began)
    return products / 1e6, 1e3 * best / batch / DEPTH


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed"), default="bf16-mixed")
    parser.add_argument("--batch", type=int, default=32)
    a = parser.parse_args()
    torch.set_num_threads(1)
    print("| block | channels | pixels | M multiplications | ms a face | GFLOP/s |\n|---|---:|---:|---:|---:|---:|")
    for channels, size in SIZES:
        for block in (Plain, Residual):
            products, ms = cost(block, channels, size, a.batch, a.precision == "bf16-mixed")
            flops = 6 * products / ms  # a multiplication is two, forward and twice backward
            print(f"| {block.__name__} | {channels} | {size} | {products:.0f} | {ms:.2f} | {flops:.0f} |", flush=True)


if __name__ == "__main__":
    main()
