"""`faceprior reproduce table1` for real on drawn faces, seconds a row."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
for needed in ("torchmetrics", "pyarrow", "onnx", "lightning", "pydantic"):
    pytest.importorskip(needed)

import onnx  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from faceprior.cli.app import app  # noqa: E402
from faceprior.dataset.store import FaceStore  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.evaluation.evaluate import EvaluateOptions, evaluate  # noqa: E402
from faceprior.evaluation.models import resolve  # noqa: E402
from faceprior.evaluation.reproduce.earlier import _comparable, _read, _runs  # noqa: E402
from faceprior.evaluation.reproduce.plan import Budget, plan  # noqa: E402
from faceprior.evaluation.reproduce.table1 import TABLE1  # noqa: E402
from faceprior.networks.weights import load_model, read_header  # noqa: E402
from faceprior.training.config import TrainConfig  # noqa: E402
from faceprior.training.loop import Trainer  # noqa: E402

ROWS = ("bicubic-stn0", "nn", "vdsr", "ma", "cbn", "tdae", "ours")
TINY = ("run.steps=2", "run.batch=4", "data.val_faces=2", "run.pictures=0", "schedule.warmup_steps=1")


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> list[str]:
    """Real outside models of one file name: x8 interpolation, cubic and of nearest pixels, float32 NCHW in [0, 1]."""
    return [f"onnx:{enlarging(tmp_path_factory.mktemp(mode), mode)}" for mode in ("cubic", "nearest")]


def enlarging(folder: Path, mode: str) -> Path:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, 16])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 128, 128])
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode)
    scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 8, 8])
    graph = helper.make_graph([node], mode, [x], [y], [scales])
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def command(tiny_shards, tmp_path_factory, others) -> list[str]:
    flags = ["reproduce", "table1", "-d", str(tiny_shards), "-o", str(tmp_path_factory.mktemp("table") / "out")]
    flags += ["--reduced", "--device", "cpu", "--rows", ",".join(ROWS), "--seeds", "1"]
    flags += [part for one in others for part in ("--model", one)]
    return flags + [part for override in TINY for part in ("--set", override)]


@pytest.fixture(scope="module")
def out(command) -> Path:
    """The folder after a first call."""
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return Path(command[5])


def test_the_table_holds_every_row_beside_the_paper_s(out, others):
    result = json.loads((out / "table1-reduced.json").read_text())
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows) == ["bicubic", "bicubic-true", *others, *ROWS]
    assert result["faces"] == 8 and result["reduced"] and "run.steps=2" in result["budget"]
    base = rows["bicubic-stn0"]
    assert base["psnr_margin"] == 0
    for name, row in rows.items():
        assert 5 < row["psnr"]["mean"] < 40 and 0 < row["ssim"]["mean"] <= 1, name
        assert row["psnr_margin"] == pytest.approx(row["psnr"]["mean"] - base["psnr"]["mean"])
    assert rows["ours"]["paper"] == [23.14, 0.68]
    assert rows["ours"]["paper_margin"][0] == pytest.approx(23.14 - 18.83)
    assert rows["nn"]["paper"] is None
    # An outside file that is bicubic scores as bicubic does.
    cubic, nearest = (rows[name]["psnr"]["mean"] for name in others)
    assert cubic == pytest.approx(rows["bicubic"]["psnr"]["mean"], abs=0.1) and nearest < cubic - 0.1
    trained = rows["vdsr"]["training"]
    assert (trained["steps"], trained["images"]) == (2, 8) and "config" not in trained
    (run,) = rows["vdsr"]["runs"]  # whose configuration stands once
    assert run["basis"]["config"]["model"]["features"] == 16 and "config" not in run["training"]
    assert len(trained["weights"][0]) == 64
    # Faces that were aligned by one STN0 have its error.
    errors = {rows[name]["degrees"]["mean"] for name in ("bicubic-stn0", "nn", "vdsr", "ma", "cbn")}
    assert max(errors) - min(errors) < 1e-3


def test_the_files_say_the_same(out):
    text = (out / "table1-reduced.md").read_text()
    assert "Reduced table" in text and "faceprior" in text and "| Ours |" in text and "23.14" in text
    with (out / "table1-reduced.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] for line in lines][4:] == list(ROWS)
    assert lines[-1]["paper_psnr"] == "23.14"
    picture = np.asarray(Image.open(out / "figure1-reduced.png"))
    assert picture.shape[1] == 6 * 130 - 2 and picture.std() > 10  # LR, HR, NN, CBN, TDAE, Ours
    assert (out / "figure5-reduced.png").is_file()
    assert not list(out.rglob("*.part"))


def test_a_row_that_is_done_is_not_done_again(out, command):
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/model.safetensors")}
    assert len(before) == len(ROWS) + 1  # and the aligner, which "ours" starts from
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0
    assert again.output.count("done before") == len(before)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def _elsewhere(command, folder: Path, *more: str) -> list[str]:
    return [*command[:5], str(folder), *command[6:], *more]


def test_an_earlier_table_s_runs_are_taken_as_they_are(out, command, tmp_path):
    """Their weights may be gone, settings that came later stand at their defaults there, and tables written before
    hold each run's configuration a second time."""
    first = json.loads((out / "table1-reduced.json").read_text())
    written = json.loads(json.dumps(first))
    for row in written["rows"]:
        for run in row["runs"]:
            run["training"]["config"] = {**run["basis"]["config"], "gone": {"setting": 1}}
            del run["basis"]["config"]["data"]["disturbance"]
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(written))
    done = CliRunner().invoke(app, _elsewhere(command, tmp_path / "again", "--earlier", str(kept)))
    assert done.exit_code == 0, done.output
    assert done.output.count("known from an earlier table") == len(ROWS)
    assert not (tmp_path / "again" / "runs").exists() and not list((tmp_path / "again").glob("*.png"))
    again = json.loads((tmp_path / "again" / "table1-reduced.json").read_text())
    for before, after in zip(first["rows"], again["rows"], strict=True):
        assert {k: v for k, v in before.items() if k != "runs"} == {k: v for k, v in after.items() if k != "runs"}
    assert again["claims"] == first["claims"]


def test_a_table_written_before_is_read():
    """Its runs hold their configuration twice."""
    path = Path(__file__).parents[2] / "docs" / "results" / "table3-100000" / "table3.json"
    table = json.loads(path.read_text("utf-8"))
    assert all("config" in run["training"] for row in table["rows"] for run in row.get("runs", ()))
    runs = _runs(_read(path), path)
    assert len(runs) == sum(len(row.get("runs", ())) for row in table["rows"]) > 0
    for run in runs:
        assert run.figures["psnr"] > 10 and run.training.steps > 0
        assert _comparable(run.basis)["config"]["run"] == {**run.basis["config"]["run"]}


def test_what_an_earlier_table_lacks_is_trained(out, command, tmp_path):
    first = json.loads((out / "table1-reduced.json").read_text())
    rows = {row["name"]: row for row in first["rows"]}
    rows["tdae"]["runs"][0]["basis"]["config"]["optimiser"]["lr"] *= 2  # another run than the one that is asked for
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(first))
    done = CliRunner().invoke(app, _elsewhere(command, tmp_path / "again", "--earlier", str(kept)))
    assert done.exit_code == 0, done.output
    trained = [path.parent.name.partition("-")[0] for path in (tmp_path / "again").glob("runs/*/model.safetensors")]
    assert trained == ["tdae"] and done.output.count("known from an earlier table") == len(ROWS) - 1
    again = json.loads((tmp_path / "again" / "table1-reduced.json").read_text())
    assert [row["name"] for row in again["rows"]] == [row["name"] for row in first["rows"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table["data"].update(manifest_sha256="0" * 64), "of other prepared faces"),
        (lambda table: table.update(faces=7), "of 7 faces, not 8; give --limit 7"),
        (lambda table: [row.pop("runs") for row in table["rows"]], "no single run"),
        (lambda table: table.pop("rows"), "not the JSON that `faceprior reproduce` writes"),
        (lambda table: table["rows"][-1]["runs"][0].pop("training"), "not the JSON that `faceprior reproduce` writes"),
        (lambda table: table["rows"][-1]["runs"][0]["basis"].pop("config"), "not the JSON that `faceprior reproduce`"),
    ],
)
def test_a_table_of_other_faces_is_refused(out, command, tmp_path, change, said):
    table = json.loads((out / "table1-reduced.json").read_text())
    change(table)
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(table))
    done = CliRunner().invoke(app, _elsewhere(command, tmp_path / "again", "--earlier", str(kept)))
    assert isinstance(done.exception, FacepriorError)
    assert said in str(done.exception) and str(done.exception).startswith(str(kept))
    assert not (tmp_path / "again" / "runs").exists()


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", "no", ""])
def test_what_is_no_table_is_refused(text, tmp_path):
    (tmp_path / "kept.json").write_text(text)
    with pytest.raises(FacepriorError, match=r"kept\.json: not the JSON that `faceprior reproduce` writes of a table"):
        _read(tmp_path / "kept.json")


def test_rows_are_found_by_name(out, tiny_shards, monkeypatch):
    with pytest.raises(FacepriorError, match="FACEPRIOR_TABLE1"):
        resolve("vdsr")
    monkeypatch.setenv("FACEPRIOR_TABLE1", str(out))
    report = evaluate(["vdsr", "ours"], tiny_shards, EvaluateOptions(by=""))
    assert [m.name for m in report.models[2:]] == ["vdsr", "ours"]
    assert "centre" in report.model("ours").overall and "centre" not in report.model("vdsr").overall
    with pytest.raises(FacepriorError, match=r"srgan.*no finished run"):
        resolve("srgan")


def test_the_mean_face_and_the_patches_were_learned(out):
    cbn = load_model(next(out.glob("runs/cbn-*/model.safetensors")))
    assert cbn.face.shape.abs().max() > 0.3 and cbn.face.prior.amax() == 1 and cbn.face.dense.abs().max() > 0
    ma = load_model(next(out.glob("runs/ma-*/model.safetensors")))
    assert ma.matrix.abs().max() > 0
    header = read_header(next(out.glob("runs/nn-*/model.safetensors")))
    assert header["provenance"]["dataset"]["faces"] == 24


def test_a_plan_depends_on_what_its_result_depends_on(tiny_shards, tmp_path):
    def folders(**changes) -> dict[str, str]:
        runs = plan(TABLE1, ["vdsr", "ours"], Budget(reduced=True, seeds=1, **changes), tiny_shards, tmp_path)
        assert [run.row.name for run in runs] == ["aligner", "bicubic-stn0", "vdsr", "ours"]  # what they need is first
        return {run.row.name: run.folder.name for run in runs}

    first = folders()
    assert folders() == first == folders(overrides=("run.pictures=1", "data.val_faces=7"))
    longer = folders(overrides=("run.steps=900",))
    assert all(longer[name] != first[name] for name in first)
    timed = plan(TABLE1, ["ours"], Budget(max_time=240.0), tiny_shards, tmp_path, bf16=True)[0].config
    assert timed.run.max_time == 240 and timed.schedule.by == "budget" and timed.run.precision == "bf16-mixed"


def test_every_row_has_a_configuration_of_one_recipe(tiny_shards, tmp_path):
    runs = plan(TABLE1, [row.name for row in TABLE1.rows if row.listed], Budget(seeds=1), tiny_shards, tmp_path)
    assert len(runs) == 12
    for run in runs:
        c = run.config
        assert (c.run.batch, c.run.epochs, c.schedule, c.optimiser.name) == (
            64,
            60,
            runs[0].config.schedule,
            "adamw",
        )
        assert (run.stn0 is None) == (run.row.needs is None)
    assert runs[0].row.name == "bicubic-stn0"
    assert {r.row.name: r.config for r in runs}["tdae"].data.max_yaw == 15


def test_aligned_networks_ask_for_their_stn0(tiny_shards, tmp_path):
    config = TrainConfig.load("table1/vdsr", ["run.batch=4"])
    with pytest.raises(FacepriorError, match="--stn0"):
        Trainer(config, tiny_shards, tmp_path / "run", device="cpu").fit()


def test_a_comparator_s_run_in_two_parts_is_the_run_in_one(out, tiny_shards, tmp_path):
    stn0 = next(out.glob("runs/bicubic-stn0-*"))
    small = ["model.features=4", "model.layers=2", "model.bases=4", "model.hidden=8", "model.faces=16"]
    for run, steps in (("one", [3]), ("two", [1, 3])):
        for stop in steps:
            config = TrainConfig.load("table1/cbn", [*small, *TINY[1:], f"run.steps={stop}"])
            source = None if stop == 3 and run == "two" else stn0  # a resumed run holds it already
            assert Trainer(config, tiny_shards, tmp_path / run, device="cpu", stn0=source).fit() == "done"
    one, two = (load_model(tmp_path / run / "model.safetensors").state_dict() for run in ("one", "two"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_near_frontal_faces_alone(tiny_shards):
    everything = FaceStore.load(tiny_shards, "train")
    frontal = FaceStore.load(tiny_shards, "train", max_yaw=15)
    assert 0 < len(frontal) < len(everything)
    assert float(frontal.yaw.abs().max()) <= 15


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--rows", "vdrs"], "--rows vdrs: table1 has bicubic-stn0"),
        (["--max-time", "soon"], "--max-time soon"),
        (["--seeds", "0"], "--seeds 0"),
        (["--limit", "-1"], "--limit -1"),
        (["--limit", "0"], "--limit 0"),
        (["--model", "onnx:gone.onnx"], "gone.onnx"),
        (["--set", "run.steps=no"], "run.steps"),
    ],
)
def test_what_it_refuses_before_it_trains(flags, said, tiny_shards, tmp_path):
    command = ["reproduce", "table1", "-d", str(tiny_shards), "-o", str(tmp_path / "o"), "--device", "cpu", *flags]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, FacepriorError) and said in str(done.exception)
    assert not (tmp_path / "o" / "runs").exists()
