"""The site of the documents builds without a warning, and holds what a newcomer looks for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="needs pip install 'faceprior[docs]'")
pytest.importorskip("mkdocstrings", reason="needs pip install 'faceprior[docs]'")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", out]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("index.html", "model.restore"),
        ("api/index.html", "PhotoResult"),
        ("reference/index.html", "Finds the small faces of a photo"),
        ("train/index.html", "faceprior prepare photos/"),
        ("data/index.html", "All-Age-Faces"),
        ("model-card/index.html", "What they must not be used for"),
        ("results/index.html", "Claims of the paper"),
        ("results/tables/index.html", "On Ma et al."),
        ("results/training/index.html", "Trials of the U-Net"),
        ("web/index.html", "X-Forwarded-Prefix"),
    ],
)
def test_pages(site, page, words):
    text = (site / page).read_text("utf-8")
    assert words in re.sub(r"<[^>]+>", "", text)  # code is coloured word by word
    assert "fonts.googleapis" not in text


def test_every_public_name_is_in_the_reference(site):
    import faceprior

    text = (site / "reference" / "index.html").read_text("utf-8")
    for name in faceprior.__all__:
        assert name == "__version__" or f".{name}" in text, name


def test_every_preset_of_the_guide_is_one():
    from faceprior.training.presets import presets

    section = (ROOT / "docs" / "train.md").read_text().split("## 2.")[1].split("## 3.")[0]
    rows = [line.split("|")[2].split("`")[1] for line in section.splitlines() if line.startswith("|") and "`" in line]
    assert len(rows) >= 5 and set(rows) <= {preset.name for preset in presets()}


def test_the_table_of_the_data_page_is_what_prepare_reads(tmp_path):
    """The snippet that writes a table, run, and its folder prepared."""
    import numpy as np
    from drawn_faces import draw_folder

    from faceprior.dataset.layouts import read
    from faceprior.face.landmarks import read_pts

    draw_folder(tmp_path / "drawn", {"train": 2})
    (snippet,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "data.md").read_text(), re.DOTALL)
        if "write_table" in block
    ]
    scope: dict = {}
    exec(snippet, scope)
    folder = next(path.parent for path in (tmp_path / "drawn").rglob("*.pts"))
    expected = {path.stem: read_pts(path)[0] for path in sorted(folder.glob("*.pts"))}
    images = {path.stem: path for path in folder.iterdir() if path.suffix != ".pts"}
    from PIL import Image

    (tmp_path / "table").mkdir()
    for stem, path in images.items():
        Image.open(path).convert("RGB").save(tmp_path / "table" / f"{stem}.jpg", quality=95)
    answers = iter([expected[stem] for stem in sorted(images)])
    scope["write_table"](tmp_path / "table", lambda rgb: next(answers))
    found = {Path(face.name).stem: face.landmarks for face in read(tmp_path / "table")}
    assert set(found) == set(expected)
    for stem, points in found.items():
        assert np.allclose(points, expected[stem], atol=0.01)


def test_wflws_points_are_the_68():
    (snippet,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "data.md").read_text(), re.DOTALL)
        if "WFLW_TO_68" in block
    ]
    scope: dict = {}
    exec(snippet, scope)
    chosen = scope["WFLW_TO_68"]
    assert len(chosen) == len(set(chosen)) == 68 and max(chosen) < 96
    assert (len(scope["JAW"]), len(scope["BROWS"]), len(scope["NOSE"]), len(scope["EYES"]), len(scope["LIPS"])) == (
        17, 10, 9, 12, 20,
    )  # fmt: skip
