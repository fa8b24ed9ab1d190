"""The code is as `ruff check` wants it: what the pre-commit hook runs, for those who have not installed it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_ruff_has_nothing_to_say():
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed (it is in [dev])")
    done = subprocess.run(
        [ruff, "check", "--no-cache", "src", "tests", "benchmarks", "tools"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
