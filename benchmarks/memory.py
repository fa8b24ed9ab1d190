"""Peak memory of the two jobs that the project promises to keep small, each in a process of its own.

    python benchmarks/memory.py --data SHARDS [--model MODEL]

Prints the peak resident memory of (1) `faceprior train paper` at batch 16 on a CPU (wanted: <= 8 GB) and (2)
`faceprior upscale --cropped` of 1,000 faces (wanted: <= 1.5 GB). The data set itself, resident, is counted in (1).
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def peak(arguments: list[str]) -> tuple[float, float]:
    """Runs `faceprior ...` -> (peak GB, seconds)."""
    # A forked watcher, so that each job's peak is its own and not the largest of all children so far.
    code = (
        "import resource, subprocess, sys, time; s = time.perf_counter(); "
        "r = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True); "
        "r.returncode and sys.exit(r.stderr); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, time.perf_counter() - s)"
    )
    faceprior = str(Path(sys.executable).with_name("faceprior"))
    done = subprocess.run(
        [sys.executable, "-c", code, faceprior, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    kilobytes, seconds = done.stdout.split()
    return int(kilobytes) * (1 if sys.platform == "darwin" else 1024) / 1e9, float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder written by `faceprior prepare`")
    parser.add_argument("--model", default=None, help="default: the packaged model")
    parser.add_argument("--vgg", type=Path, default=None, help="VGG-19 weights; without it torchvision's are fetched")
    parser.add_argument("--faces", type=int, default=1000)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train = ["train", "paper", "--data", str(a.data), "-o", f"{folder}/run", "--device", "cpu", "--steps", "4"]
        train += ["--set", "run.batch=16", "--set", "data.val_faces=16", "--set", "run.pictures=0"]
        train += ["--vgg", str(a.vgg)] if a.vgg else []
        gigabytes, seconds = peak(train)
        print(f"train paper, batch 16, CPU, all losses: peak {gigabytes:.2f} GB ({seconds:.0f} s for 4 steps)")

        faces = Path(folder, "faces")
        faces.mkdir()
        rng = np.random.default_rng(0)
        for i in range(a.faces):
            Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(faces / f"{i:05d}.png")
        upscale = ["upscale", str(faces), "-o", f"{folder}/out", "--cropped", "--heatmaps", "--json"]
        upscale += ["--model", a.model] if a.model else []
        gigabytes, seconds = peak(upscale)
        print(f"upscale --cropped, {a.faces} faces with heatmaps and JSON: peak {gigabytes:.2f} GB ({seconds:.1f} s)")


if __name__ == "__main__":
    main()
