"""The house without circles: the contracts on imports in pyproject.toml hold (docs/architecture.md)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def contracts(folder: Path, settings: str) -> subprocess.CompletedProcess[str]:
    (folder / "contracts.toml").write_text(settings, "utf-8")
    call = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "contracts.toml"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{os.environ.get('PYTHONPATH', '')}"}
    return subprocess.run([*call, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True)


def test_arrows_go_one_way_and_in_no_circle(tmp_path):
    pytest.importorskip("importlinter")
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    done = contracts(tmp_path, settings)
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout
    # And they would tell: the one exception that is named is found where it is not.
    named = [line for line in settings.splitlines() if line.startswith("ignore_imports")]
    assert len(named) == 2
    strict = "\n".join(line for line in settings.splitlines() if line not in named)
    told = contracts(tmp_path, strict)
    assert told.returncode == 1 and "faceprior.runtime.upscaler -> faceprior.photo" in told.stdout
