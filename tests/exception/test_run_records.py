"""Records of a run that are damaged or hold extremes, and folders with odd names: drawn, and gone on from."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from faceprior.training.curves import draw_curves
from faceprior.training.journal import Journal
from faceprior.training.records import read_records

GOOD = [json.dumps({"kind": kind, "step": 10, "psnr": 15.0, "total": 1.0, "seconds": 9}) for kind in ("val", "train")]


def run(folder: Path, *lines: str) -> Path:
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("\n".join([*GOOD, *lines]) + "\n")
    return folder


@pytest.mark.parametrize(
    "line",
    [
        '{"kind": "train", "step": 1e400, "total": 1}',
        '{"kind": "train", "step": 1' + "0" * 400 + ', "total": 1}',
        '{"kind": "train", "step": -3, "total": 1}',
        "[" * 100_000,
    ],
)
def test_a_line_of_no_step_is_left_out(line, tmp_path):
    records = read_records(run(tmp_path / "run", line))
    assert records.train["total"] == [(10, 1.0)]


def test_a_batch_that_is_no_number_is_one(tmp_path):
    run(tmp_path / "run")
    (tmp_path / "run" / "config.toml").write_text("[run]\nbatch = inf\n")
    assert read_records(tmp_path / "run").batch == 1


def test_numbers_beyond_float32_are_not_drawn(tmp_path):
    numbers = ("1e308", "-1e308", "1" + "0" * 400)
    lines = [f'{{"kind": "val", "step": {20 + i}, "psnr": {n}, "angle": {n}}}' for i, n in enumerate(numbers)]
    folder = run(tmp_path / "run", *lines)
    assert np.isnan([value for _, value in read_records(folder).val["psnr"][1:]]).all()
    draw_curves([folder], tmp_path / "curves.svg")


@pytest.mark.parametrize(
    ("name", "shown"), [(r"a$\frac$b", r"a$\frac$b"), ("x$_{$", "x$_{$"), ("_under", "_under"), ("n\udcff", r"n\udcff")]
)
def test_any_name_of_a_folder_can_be_drawn(name, shown, tmp_path, monkeypatch):
    import matplotlib as mpl

    monkeypatch.setitem(mpl.rcParams, "svg.fonttype", "none")
    try:
        runs = [run(tmp_path / os.fsdecode(os.fsencode(name)), GOOD[0].replace("10", "30")), run(tmp_path / "other")]
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    text = draw_curves(runs, tmp_path / "curves.svg").read_text()
    assert text.count(shown) >= 2  # the title, and a legend


def test_a_run_goes_on_over_damaged_records(tmp_path):
    folder = run(tmp_path / "run", '{"step": null}', '{"step": "x"}', "[1]")
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\n")
    Journal(folder, 10).close()
    assert (folder / "metrics.jsonl").read_text().splitlines() == GOOD
