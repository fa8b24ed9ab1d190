"""What a light install promises: a quick import, and inference without PyTorch or OpenCV."""

import json
import subprocess
import sys

from random_models import small_onnx

HEAVY = ("torch", "cv2", "onnx", "lightning", "gradio", "pandas", "pyarrow", "matplotlib")


def modules_after(code: str) -> set[str]:
    """The top-level modules of a fresh interpreter that ran `code`."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy():
    loaded = modules_after("import faceprior")
    assert not loaded & {*HEAVY, "numpy", "onnxruntime", "PIL", "typer", "rich"}


def test_import_is_quick():
    """At most 0.3 s of CPU time (wall time says more of the machine), beyond what an empty interpreter takes."""
    code = "import time; t = time.process_time(); import faceprior; print(time.process_time() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) <= 0.3


def test_inference_needs_no_pytorch():
    loaded = modules_after(
        "import sys\n"
        f"for name in {HEAVY}: sys.modules[name] = None\n"  # importing them now fails
        "import numpy as np, faceprior\n"
        f"r = faceprior.load({str(small_onnx())!r})(np.zeros((1, 16, 16, 3), np.uint8))\n"
        "assert r.images.shape == (1, 128, 128, 3)\n"
        f"for name in {HEAVY}: del sys.modules[name]"
    )
    assert "onnxruntime" in loaded
    assert not loaded & set(HEAVY)


def test_upscale_needs_no_pytorch(tmp_path):
    (tmp_path / "in").mkdir()
    from PIL import Image

    Image.new("RGB", (40, 40), (200, 150, 120)).save(tmp_path / "in" / "a.png")
    loaded = modules_after(
        "import sys\n"
        f"sys.argv = ['faceprior', 'upscale', {str(tmp_path / 'in')!r}, '-o', {str(tmp_path / 'out')!r},"
        f" '--model', {str(small_onnx())!r}, '--cropped', '--json', '--heatmaps']\n"
        "from faceprior.cli.app import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
    )
    assert not loaded & {"torch", "cv2", "onnx", "lightning", "pyarrow"}
    assert (tmp_path / "out" / "a.png").exists()
