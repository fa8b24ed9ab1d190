"""What the default install weighs, how long it takes, and how long its import does.

    python benchmarks/install.py [--source PATH_OR_REQUIREMENT] [--keep FOLDER]

Makes a fresh virtual environment, runs `pip install .` in it (no extras) and prints the time of that, the size of
the environment without pip (wanted: <= 250 MB) and of its largest packages, the time of `import faceprior` beyond
that of an empty interpreter (wanted: <= 0.3 s), and whether anything heavy came along. Exit status 1 where a
promise is broken.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEGABYTES, SECONDS = 250, 0.3
HEAVY = ("torch", "cv2", "gradio", "onnx", "lightning", "pyarrow", "scipy", "pandas")
NOT_OURS = ("pip", "setuptools", "wheel")


def folder_bytes(folder: Path) -> int:
    """Bytes of the files below, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def by_package(site: Path) -> dict[str, int]:
    """Top-level folders and files of `site`, largest first. Wheels put shared libraries in NAME.libs."""
    sizes: dict[str, int] = {}
    for path in site.iterdir():
        name = path.name.split(".")[0].split("-")[0]
        sizes[name] = sizes.get(name, 0) + (folder_bytes(path) if path.is_dir() else path.lstat().st_size)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def import_seconds(python: Path, module: str, rounds: int = 7) -> tuple[float, float]:
    """Wall (the best: others may be at work here) and CPU seconds (median) of the import, in fresh interpreters."""
    code = (
        "import time; w, c = time.perf_counter(), time.process_time()\n"
        f"import {module}\nprint(time.perf_counter() - w, time.process_time() - c)"
    )
    runs = []
    for _ in range(rounds + 1):
        said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
        runs.append(tuple(map(float, said.split())))
    wall, cpu = zip(*runs[1:], strict=True)  # the first one compiles
    return min(wall), statistics.median(cpu)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default=str(Path(__file__).resolve().parent.parent), help="what pip installs")
    parser.add_argument("--keep", type=Path, help="make the environment here and leave it")
    parser.add_argument("--no-cache", action="store_true", help="fetch every wheel, as a fresh machine does")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = a.keep or Path(scratch, "venv")
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        python = home / "bin" / "python"
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q", a.source]
        began = time.perf_counter()
        subprocess.run([*pip, *["--no-cache-dir"] * a.no_cache], check=True)
        took = time.perf_counter() - began
        said = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                              capture_output=True, text=True, check=True).stdout  # fmt: skip
        site = Path(said.strip())
        sizes = by_package(site)
        whole = folder_bytes(home) - sum(sizes.get(name, 0) for name in NOT_OURS)
        wall, cpu = import_seconds(python, "faceprior")
        first = import_seconds(python, "faceprior.runtime.backends.onnx, faceprior.runtime.upscaler", 3)
        code = "import faceprior, sys, json; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
        loaded = set(json.loads(subprocess.run([python, "-c", code], capture_output=True, check=True).stdout))
        heavy = [name for name in HEAVY if name in sizes or name in loaded]
    largest = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in list(sizes.items())[:8] if name not in NOT_OURS)
    print(f"pip install: {took:.0f} s")
    print(f"environment without pip: {whole / 1e6:.0f} MB (wanted: <= {MEGABYTES}); {largest}")
    print(f"import faceprior: {1000 * wall:.1f} ms, {1000 * cpu:.1f} ms of CPU (wanted: <= {1000 * SECONDS:.0f} ms)")
    print(f"its first use (NumPy, ONNX Runtime): {1000 * first[0]:.0f} ms ({1000 * first[1]:.0f} of CPU)")
    print(f"heavy packages installed or imported: {', '.join(heavy) or 'none'}")
    return int(whole > MEGABYTES * 1e6 or cpu > SECONDS or bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
