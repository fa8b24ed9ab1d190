"""The rows of the paper's Table 1 by name: `faceprior evaluate --model vdsr`.

Their weights are what `faceprior reproduce table1 -o FOLDER` trained; FACEPRIOR_TABLE1 names that FOLDER.
"""

import os
from pathlib import Path

from ..errors import FacepriorError

VARIABLE = "FACEPRIOR_TABLE1"
ROWS = ("bicubic-stn0", "nn", "vdsr", "srgan", "ma", "ma-stn0", "cbn", "tdae", "tdae-retrained")
ROWS += ("ours-no-skip", "ours-no-autoencoder", "ours")


def newest_run(name: str) -> Path:
    """The folder of the newest finished run of a row. Raises FacepriorError where there is none."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise FacepriorError(
            f"model '{name}': set {VARIABLE} to the folder of `faceprior reproduce table1 -o`, or give a run's folder"
        )
    runs = Path(folder) / "runs"
    # A name is followed by eight digits, so that `ours` does not find `ours-no-skip`.
    found = list(runs.glob(f"{name}-{'[0-9a-f]' * 8}/model.safetensors"))
    if not found:
        raise FacepriorError(f"model '{name}': no finished run in {runs}; `faceprior reproduce table1` makes it")
    return max(found, key=lambda path: path.stat().st_mtime).parent
