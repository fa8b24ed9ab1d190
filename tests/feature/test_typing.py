"""What a type checker sees of the package: the documents' snippets and every documented call, with mypy and pyright."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCES = ROOT / "src"
WRONG = """import faceprior
faceprior.load().restore(3)
faceprior.upscale("a.jpg", scal=2)
faceprior.load().photo("a.jpg", scal=2)
faceprior.lod()
"""


def snippets(document: Path) -> list[str]:
    """The Python blocks of a Markdown file that call us (ONNX Runtime has no types)."""
    blocks = re.findall(r"^```python\n(.*?)^```", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "import faceprior" in block]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[list[Path], Path]:
    """The snippets of README.md and docs/api.md as files and the typed calls; and a file of mistakes."""
    folder = tmp_path_factory.mktemp("typed")
    found = []
    for document in (ROOT / "README.md", ROOT / "docs" / "api.md"):
        for i, text in enumerate(snippets(document)):
            found.append(folder / f"{document.stem.lower()}_{i}.py")
            found[-1].write_text(text)
    assert len(found) >= 4
    (folder / "wrong.py").write_text(WRONG)
    return [*found, HERE / "typed_calls.py"], folder / "wrong.py"


def check(checker: str, files: list[Path], folder: Path) -> subprocess.CompletedProcess[str]:
    if checker == "mypy":
        pytest.importorskip("mypy", reason="needs pip install mypy")
        # PyTorch and Gradio are behind imports inside functions: nothing of them is in a signature.
        settings = "[mypy]\nfollow_imports = silent\n[mypy-torch.*,openvino.*,onnx.*]\nfollow_imports = skip\n"
        (folder / "mypy.ini").write_text(settings)
        command = [sys.executable, "-m", "mypy", "--config-file", folder / "mypy.ini"]
        command += ["--cache-dir", folder / "cache", *files]
    else:
        found = shutil.which("basedpyright") or shutil.which("pyright")
        if found is None:
            pytest.skip("needs pip install basedpyright")
        (folder / "pyrightconfig.json").write_text(
            f'{{"include": {[str(f) for f in files]}, "extraPaths": ["{SOURCES}"], "typeCheckingMode": "standard", '
            '"reportUnusedExpression": false}'.replace("'", '"')
        )
        command = [found, "--pythonpath", sys.executable, "-p", folder / "pyrightconfig.json"]
    environment = {"MYPYPATH": str(SOURCES), "PATH": str(Path(sys.executable).parent), "HOME": str(folder)}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder, env=environment)


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_documented_calls_are_typed(checker, files, tmp_path):
    right, wrong = files
    done = check(checker, right, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = check(checker, [wrong], tmp_path)
    places = {int(line) for line in re.findall(r"wrong\.py:(\d+)", done.stdout) if "error" in done.stdout}
    assert places == {2, 3, 4, 5}, done.stdout + done.stderr
