"""`faceprior reproduce table2|table3|fig3|fig4|ingredients|all`: rows, shared runs, claims and pictures."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
for needed in ("torchmetrics", "pyarrow", "onnx", "lightning", "pydantic"):
    pytest.importorskip(needed)

from typer.testing import CliRunner  # noqa: E402

from faceprior.cli.app import app  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.evaluation.reproduce import FIGURES, TABLES  # noqa: E402
from faceprior.evaluation.reproduce import reproduce as module  # noqa: E402
from faceprior.evaluation.reproduce.claims import judge, verdict  # noqa: E402
from faceprior.evaluation.reproduce.ingredients import INGREDIENTS, TABLE_INGREDIENTS  # noqa: E402
from faceprior.evaluation.reproduce.ingredients_unet import PARTS, TABLE_UNET  # noqa: E402
from faceprior.evaluation.reproduce.plan import WEIGHTS, Budget, Run, overrides, plan  # noqa: E402
from faceprior.evaluation.reproduce.sample import sample_store  # noqa: E402
from faceprior.evaluation.reproduce.table1 import TABLE1  # noqa: E402
from faceprior.evaluation.reproduce.table2 import TABLE2  # noqa: E402
from faceprior.evaluation.reproduce.table3 import TABLE3  # noqa: E402
from faceprior.face.similarity import similarity_parameters  # noqa: E402
from faceprior.networks.mtun import MTUN  # noqa: E402
from faceprior.networks.vgg import VGGFeatures  # noqa: E402
from faceprior.networks.weights import load_model, read_header  # noqa: E402
from faceprior.training.config import TrainConfig  # noqa: E402

CANVAS = Path(__file__).parents[2] / "weights" / "canvas.safetensors"
STN = CANVAS.with_name("aligner.safetensors")
TINY = ("run.steps=2", "run.batch=4", "data.val_faces=0", "run.pictures=0", "schedule.warmup_steps=1")
LOSSES = ("feature_weight", "adversarial_weight", "heatmap_weight")


@pytest.fixture(scope="module")
def vgg(tmp_path_factory) -> Path:
    """A VGG-19 file of random weights."""
    from safetensors.torch import save_file

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    save_file({k: v.clone() for k, v in VGGFeatures(normalised=True).state_dict().items()}, path)
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("reproduced")


def call(name: str, data: Path, out: Path, *flags: str) -> str:
    """The command; -> what it printed."""
    command = ["reproduce", name, "-d", str(data), "-o", str(out), "--reduced", "--device", "cpu", *flags]
    done = CliRunner().invoke(app, [*command, *(part for o in TINY for part in ("--set", o))])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.fixture(scope="module")
def table2(out, tiny_shards) -> dict:
    """Table 2's JSON of three rows, the seeds of each as its table says but for R16's three: two."""
    call("table2", tiny_shards, out, "--rows", "r16,s1,s4", "--seeds", "2")
    return json.loads((out / "table2-reduced.json").read_text())


def test_table_2(table2, out):
    rows = {row["name"]: row for row in table2["rows"]}
    assert list(rows) == ["bicubic", "bicubic-true", "r16", "s1", "s4"]  # what they start from is not listed
    assert rows["r16"]["paper"] == [21.97, 0.63] and rows["s4"]["label"] == "S4"
    for name in ("r16", "s1", "s4"):
        assert rows[name]["seeds"] == 2 and rows[name]["psnr"]["spread"] > 0
        assert len(set(rows[name]["training"]["weights"])) == 2
    models = [rows[name]["runs"][0]["basis"]["config"]["model"] for name in ("r16", "s1", "s4")]
    heb, stacks = ([model[key] for model in models] for key in ("heb", "stacks"))
    assert heb == [16, 64, 64] and stacks == [4, 1, 4]
    assert rows["s4"]["psnr_margin"] == 0
    claims = {c["text"]: c for c in table2["claims"]}
    deep = claims["Four hourglasses do better than one"]
    assert deep["seeds"] == 2 and deep["paper"] == pytest.approx(0.82)
    assert deep["ours"] == pytest.approx(rows["s4"]["psnr"]["mean"] - rows["s1"]["psnr"]["mean"])
    assert "Heatmaps at 64 px do better than at 32 px" not in claims  # R32 was not asked for
    text = (out / "table2-reduced.md").read_text()
    assert "## Claims" in text and "over S4" in text and "run.batch=4" in text


def test_every_mtun_of_a_reduced_table_starts_from_the_aligner(table2, out):
    assert len(list(out.glob("runs/aligner-*/model.safetensors"))) == 2  # one a seed
    first = {
        read_header(p)["provenance"]["config"]["run"]["seed"]: load_model(p) for p in out.glob(f"runs/a*/{WEIGHTS}")
    }
    apart = []
    for path in out.glob(f"runs/ours-*/{WEIGHTS}"):
        seed = read_header(path)["provenance"]["config"]["run"]["seed"]
        mine = load_model(path).localisation.net[0].weight
        apart.append([(mine - first[s].localisation.net[0].weight).abs().max().item() for s in (seed, 1 - seed)])
    assert all(own < 1e-3 < other for own, other in apart)  # two steps from its own, far from the other's


def test_a_run_of_one_table_serves_the_others(table2, tiny_shards, out):
    """Reduced, S1 is Table 1's Ours."""
    s1 = next(row for row in table2["rows"] if row["name"] == "s1")
    folders = {p.name for p in out.glob("runs/ours-*")}
    assert len(folders) == 2 and s1["seeds"] == 2


def test_faces_say_a_row_s_budget(tiny_shards, tmp_path):
    runs = {
        run.row.name: run.config
        for run in plan(TABLE2, ["s1", "r16"], Budget(reduced=True, seeds=1, faces=1000), tiny_shards, tmp_path)
    }
    assert {name: config.run.steps * config.run.batch for name, config in runs.items()} == {
        "aligner": 1024,
        "s1": 1008,
        "r16": 1008,
    }
    assert all(config.data.faces is None and config.run.epochs == 100_000 for config in runs.values())
    with pytest.raises(FacepriorError, match="--faces 0"):
        Budget(faces=0)
    with pytest.raises(FacepriorError, match="give one of them"):
        Budget(faces=10, max_time=60)


def test_a_user_s_own_settings_count_beside_a_row_s_budget(tiny_shards, tmp_path):
    budget = Budget(reduced=True, seeds=1, faces=64, overrides=("data.faces=9", "run.batch=8"))
    assert all(run.config.data.faces == 9 for run in plan(TABLE2, ["s1"], budget, tiny_shards, tmp_path))
    for given, word in (
        ({"faces": 64}, "run.steps=7"),
        ({"faces": 64}, "schedule.by=budget"),
        ({"max_time": 9.0}, "run.max_time=20"),
    ):
        with pytest.raises(FacepriorError, match=f"--set {word.split('=')[0]}: --.* give one of them"):
            Budget(**given, overrides=(word,))
    Budget(overrides=("run.steps=7",))


def test_no_stn_of_the_reduced_table_3_knows_the_true_transform(tiny_shards, tmp_path):
    for name, run in runs_of(TABLE3, tiny_shards, tmp_path, reduced=True).items():
        model, loss = run.config.model, run.config.loss
        assert run.stn0 is None, name
        assert (model.localisation, model.base, model.landmarks) == ("paper", False, False)
        assert loss.transform_weight == loss.landmark_weight == 0


def folders(table, data, out, *names, reduced=False, **more) -> dict[str, str]:
    runs = plan(table, names, Budget(reduced=reduced, seeds=1), data, out, **more)
    return {run.row.name: run.folder.name for run in runs}


def test_ours_is_one_run_of_the_full_tables(tiny_shards, tmp_path, vgg):
    rows = ((TABLE1, "ours"), (TABLE2, "s4"), (TABLE3, "pfu-h"))
    found = [folders(table, tiny_shards, tmp_path, name, vgg=vgg)[name] for table, name in rows]
    assert len(set(found)) == 1 and found[0].startswith("ours-")


def test_the_vgg_file_counts_where_it_is_used(tiny_shards, tmp_path, vgg):
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"another")
    with_one, with_other = (
        folders(TABLE3, tiny_shards, tmp_path, "p", "pf", reduced=True, vgg=path) for path in (vgg, other)
    )
    assert with_one["p"] == with_other["p"] and with_one["pf"] != with_other["pf"]


def runs_of(table, data, out, *, reduced: bool) -> dict[str, Run]:
    names = [row.name for row in table.rows if row.listed]
    return {run.row.name: run for run in plan(table, names, Budget(reduced=reduced, seeds=1), data, out)}


@pytest.mark.parametrize("reduced", [False, True])
def test_table_3_s_rows_have_the_losses_that_they_name(reduced, tiny_shards, tmp_path):
    runs = runs_of(TABLE3, tiny_shards, tmp_path, reduced=reduced)
    assert set(runs) == {"p", "pf", "pfu", "p-h", "pf-h", "pfu-h"}
    for row in TABLE3.rows:
        config = runs[row.name].config
        words = row.label.split(",")[0].split("+")
        wanted = ("f" in words, "U" in words, row.label.endswith("with Lh"))
        assert tuple(getattr(config.loss, name) > 0 for name in LOSSES) == wanted, row.label
        assert (config.model.heb > 0) == wanted[2]
        # Nothing else differs.
        rest = config.as_dict()
        rest["model"].pop("heb")
        for name in (*LOSSES, "feature_faces", "adversarial_start"):
            rest["loss"].pop(name, None)
        same = runs["p"].config.as_dict()
        same["model"].pop("heb")
        for name in (*LOSSES, "feature_faces", "adversarial_start"):
            same["loss"].pop(name, None)
        assert rest == same


@pytest.mark.parametrize("reduced", [False, True])
def test_table_2_s_rows_differ_in_the_heatmap_branch_alone(reduced, tiny_shards, tmp_path):
    runs = runs_of(TABLE2, tiny_shards, tmp_path, reduced=reduced)
    branches = {
        name: (run.config.model.heb, run.config.model.stacks) for name, run in runs.items() if name != "aligner"
    }
    depths = {"s1": (64, 1), "s2": (64, 2), "s3": (64, 3), "s4": (64, 4)}
    assert branches == {"r16": (16, 4), "r32": (32, 4), **depths}
    base = runs["s4"].config
    for name in branches:
        config = runs[name].config
        assert dataclasses.replace(config.model, heb=64, stacks=4) == base.model
        assert (config.loss, config.optimiser, config.schedule, config.run) == (
            base.loss,
            base.optimiser,
            base.schedule,
            base.run,
        )


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("name", INGREDIENTS)
def test_every_ingredient_is_one_that_the_default_has(name, reduced):
    """Fails for a new default that has not, or no longer, what a row takes out."""
    full, without = (
        TrainConfig.load(row.config, overrides(TABLE_INGREDIENTS, row, Budget(reduced=reduced), 0, False))
        for row in map(TABLE_INGREDIENTS.row, ("default", name))
    )
    assert without.as_dict() != full.as_dict()
    # The row's own file is what differs, also in the reduced table.
    mine, its = (TrainConfig.load(f"ingredients/{n}") for n in ("default", name))
    for key in its.differences(mine):
        section, _, field = key.partition(".")
        assert getattr(getattr(without, section), field) == getattr(getattr(its, section), field), key


def test_the_ingredients_are_of_the_paper_s_plan_as_it_shipped():
    import tomllib
    from importlib import resources

    preset = resources.files("faceprior") / "presets" / "ingredients" / "default.toml"
    assert tomllib.loads(preset.read_text())["extends"] == "standard-1"


def test_rows_that_decide_a_claim_have_three_seeds(tiny_shards, tmp_path):
    runs = plan(TABLE2, [r.name for r in TABLE2.rows if r.listed], Budget(reduced=True), tiny_shards, tmp_path)
    count = {row.name: sum(run.row is row for run in runs) for row in TABLE2.rows}
    assert count == {"aligner": 3, "r16": 3, "r32": 3, "s1": 3, "s2": 1, "s3": 1, "s4": 3}
    # A row of seed 1 starts from the aligner of seed 1.
    sources = {run.seed: run.folder for run in runs if run.row.name == "aligner"}
    assert all(run.stn0.parent == sources[run.seed] for run in runs if run.row.name != "aligner")


def test_a_cpu_with_bf16_instructions_uses_them_and_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for tiles, vectors, why in (
        (True, True, "a CPU with AMX"),
        (False, True, "a CPU with AVX-512 BF16"),
        (False, False, None),
    ):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda tiles=tiles: tiles, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=vectors: has, raising=False)
        assert module.fast_bf16("cpu") == module.fast_bf16("auto") == why
    common = module._common(("run.steps=4", "run.batch=2"), Budget(overrides=("run.steps=9",)), "a CPU with AMX")
    assert common == ["run.steps=9", "run.batch=2", "run.precision=bf16-mixed (a CPU with AMX)"]
    asked = module._common((), Budget(overrides=("run.precision=32-true",)), "a CPU with AMX")
    assert asked == ["run.precision=32-true"]


@pytest.mark.parametrize(
    ("mean", "spread", "seeds", "expected"),
    [
        (0.5, 0.1, 3, "holds"),
        (-0.5, 0.1, 3, "fails"),
        (0.1, 0.1, 3, "open"),
        (0.16, 0.1, 3, "open"),
        (0.18, 0.1, 3, "holds"),
        (0.4, 0.1, 2, "open"),
        (-0.5, 0.1, 2, "fails"),
        (0.059, 0.1, 10, "holds"),
        (0.057, 0.1, 10, "open"),
        (0.5, None, 1, "open"),
        (0.0, 0.0, 3, "open"),
    ],
)
def test_verdicts(mean, spread, seeds, expected):
    assert verdict(mean, spread, seeds) == expected


def test_claims_are_paired_by_seed():
    """Seeds that move both rows alike do not hide a difference."""
    judged = judge(TABLE3, {"p": [20.0, 21.0, 22.0], "p-h": [20.2, 21.3, 22.2], "pf": [20.0]})
    found = {c.text: c for c in judged}
    helps = found["The heatmap loss helps beside Lp"]
    assert (helps.verdict, helps.seeds) == ("holds", 3)
    assert helps.ours == pytest.approx(0.7 / 3) and helps.paper == pytest.approx(1.80)
    assert found["The feature loss raises the PSNR, without Lh"].verdict == "open"
    assert len(found) == 2


def test_claims_name_rows_of_their_table():
    for table in TABLES.values():
        for claim in table.claims:
            table.row(claim.better), table.row(claim.worse)
        for picture in table.figures.values():
            assert all(table.row(name).listed for name in picture.rows)
        assert table.row(table.base).listed
    assert set(FIGURES) == {"fig1", "fig3", "fig4", "fig5"}


def test_figure_3(table2, out, tiny_shards):
    """Of one run, which Table 2 has made: true and estimated maps."""
    before = set(out.glob("runs/*"))
    call("fig3", tiny_shards, out)
    assert set(out.glob("runs/*")) == before
    picture = np.asarray(Image.open(out / "figure3-reduced.png"))
    assert picture.shape == (14 + 6 * 130 - 2, 6 * 130 - 2, 3)
    lr, hr, true, estimated, output, over = (picture[14:, k * 130 : k * 130 + 128].astype(int) for k in range(6))
    assert (lr[:8, :8] == lr[0, 0]).all()  # one pixel of the 16
    for column in (hr, true, output, over):
        assert column.std() > 5
    assert np.abs(true - estimated).max() > 20 and np.abs(output - over).max() > 20
    shown = np.asarray(Image.open(out / "figure3-reduced-sample.png"))
    assert shown.shape == (14 + 4 * 130 - 2, 5 * 130 - 2, 3)  # the packaged portrait has no landmarks


def test_the_sample_is_the_packaged_portrait_moved_four_ways():
    from faceprior.cli.demo import make_sample
    from faceprior.dataset.pairs import PairMaker
    from faceprior.evaluation.metrics import to_levels

    pairs = PairMaker(sample_store()).test(torch.arange(4))
    truth = to_levels(pairs.hr)[0].permute(1, 2, 0).numpy().astype(float)
    error = np.square(truth - make_sample().truth).mean()
    assert 10 * np.log10(255**2 / error) > 35  # another resampling of the same frame
    angles = similarity_parameters(pairs.transform.numpy())[0]
    assert len(set(np.round(angles, 2).tolist())) == 4 and np.ptp(angles) > 45 and np.abs(angles).max() <= 45
    assert pairs.heatmaps.abs().max() == 0


def test_figure_4_is_of_the_loss_grid_s_first_seed(table2, out, tiny_shards, vgg):
    call("fig4", tiny_shards, out, "--vgg", str(vgg), "--set", "loss.adversarial_start=0")  # else in step 193
    picture = np.asarray(Image.open(out / "figure4-reduced.png"))
    assert picture.shape[1] == 8 * 130 - 2  # LR, HR and six rows
    columns = [picture[14:142, k * 130 : k * 130 + 128].astype(int) for k in range(2, 8)]
    assert all(np.abs(a - b).max() > 0 for k, a in enumerate(columns) for b in columns[:k])
    used = [read_header(p)["provenance"]["config"]["loss"] for p in out.glob(f"runs/pf-*/{WEIGHTS}")]
    assert used and all(loss["feature_faces"] == 4 and loss["feature_weight"] > 0 for loss in used)


def test_all_makes_every_table_and_trains_nothing_twice(table2, out, tiny_shards, vgg, monkeypatch):
    small = {}
    for table, keep in ((TABLE2, ("aligner", "s1", "s4")), (TABLE3, ("aligner", "p", "p-h"))):
        rows = tuple(row for row in table.rows if row.name in keep)
        small[table.name] = dataclasses.replace(table, rows=rows, figures={}, claims=())
    monkeypatch.setattr(module, "TABLES", small)
    printed = call("all", tiny_shards, out, "--seeds", "1", "--vgg", str(vgg))
    assert "Table 2" in printed and "Table 3" in printed
    assert printed.count("done before") >= 5  # both aligners, S1 and S4, Lp + Lh


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [
        ("table4", [], "expected table1, table2, table3, table3-help, ingredients, ingredients-unet, fig1"),
        ("all", ["--rows", "p"], "--rows p: rows can be chosen of one table"),
        ("fig4", ["--train-only"], "--train-only: is for tables"),
        ("table2", ["--rows", "aligner"], "--rows aligner: table2 has r16"),
    ],
)
def test_what_it_refuses(name, flags, said, tiny_shards, tmp_path):
    done = CliRunner().invoke(app, ["reproduce", name, "-d", str(tiny_shards), "-o", str(tmp_path / "o"), *flags])
    assert isinstance(done.exception, FacepriorError) and said in str(done.exception)
    assert not (tmp_path / "o").exists()


def test_mtun_takes_its_own_localisation_net_alone():
    from faceprior.networks.comparators.config import STN0Config
    from faceprior.networks.config import MTUNConfig
    from faceprior.networks.kinds import make_network

    aligner = make_network(STN0Config(localisation="lr"))
    torch.nn.init.normal_(aligner.localisation.net[-1].weight)
    network = MTUN(MTUNConfig.compact())
    network.take_stn0(aligner, "lr.safetensors")
    mine, its = network.localisation.state_dict(), aligner.localisation.state_dict()
    assert all(torch.equal(mine[key], its[key]) for key in its)
    with pytest.raises(FacepriorError, match=r"paper\.safetensors: holds another STN"):
        network.take_stn0(make_network(STN0Config()), "paper.safetensors")
    with pytest.raises(FacepriorError, match="localisation"):
        MTUN().take_stn0(aligner, "lr.safetensors")


def test_the_feature_loss_of_some_faces_is_spread_over_the_rough_ones_and_the_others(tiny_shards, tmp_path, vgg):
    from faceprior.training.loop import Trainer
    from faceprior.training.losses import feature_loss
    from faceprior.training.truth import make_truth

    asked = ["loss.feature_weight=1.0", "loss.feature_faces=2", "run.batch=4", "data.val_faces=0"]
    trainer = Trainer(TrainConfig.load("tiny", asked), tiny_shards, tmp_path / "run", device="cpu", vgg=vgg)
    trainer.fabric.launch()
    trainer._load()
    trainer._build(resumed=False)
    step, pairs = trainer.update, trainer._pairs()
    with torch.no_grad():
        out = step.generator(pairs.lr)
        truth = make_truth(step.config.loss, pairs, out)
        found = step._terms(out, pairs, truth, pairs.hr)["f"].item()
        # Of four faces the first two would be the rough ones, were half of them.
        spread, first, every = (
            feature_loss(step.vgg(out.sr[rows]), step.vgg(pairs.hr[rows])).item()
            for rows in ([1, 3], [0, 1], slice(None))
        )
    assert found == pytest.approx(spread, rel=1e-5)
    assert found != pytest.approx(first, rel=1e-3) and found != pytest.approx(every, rel=1e-3)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_one_that_the_u_net_has(name):
    whole, without = (TrainConfig.load(TABLE_UNET.row(n).config) for n in ("default", name))
    assert len(without.differences(whole)) in (1, 2)
    standard = TrainConfig.load("standard")
    assert set(whole.differences(standard)) <= {"schedule.by", "run.max_time"}


def test_rows_of_the_u_net_want_what_they_build_on(tiny_shards, tmp_path):
    rows, budget = ["default", "no-canvas"], Budget(faces=96, seeds=1)
    with pytest.raises(FacepriorError, match="--stn0: the row default"):
        plan(TABLE_UNET, rows, budget, tiny_shards, tmp_path)
    with pytest.raises(FacepriorError, match="--canvas: the row default"):
        plan(TABLE_UNET, rows, budget, tiny_shards, tmp_path, stn0=STN)
    default, bicubic = plan(TABLE_UNET, rows, budget, tiny_shards, tmp_path, stn0=STN, canvas=CANVAS)
    assert (default.stn0, default.canvas) == (STN, CANVAS)
    assert (bicubic.stn0, bicubic.canvas) == (STN, None)
    other = plan(TABLE_UNET, rows, budget, tiny_shards, tmp_path, stn0=STN, canvas=STN)
    assert other[0].folder != default.folder and other[1].folder == bicubic.folder


@pytest.mark.slow
def test_two_rows_train_side_by_side_and_a_failed_one_stops_no_other(tiny_shards, tmp_path):
    small = (*TINY, "model.channels=[16,16]", "model.blocks=[1,1]")
    names = ["default", "no-canvas"]
    flags = ["reproduce", "ingredients-unet", "-d", str(tiny_shards), "-o", str(tmp_path), "--reduced", "-j", "2"]
    flags += ["--device", "cpu", "--rows", ",".join(names), "--seeds", "1"]
    flags += ["--stn0", str(STN), "--canvas", str(CANVAS), *(part for o in small for part in ("--set", o))]
    bf16 = module.fast_bf16("cpu") is not None
    budget = Budget(True, overrides=small, seeds=1)
    runs = plan(TABLE_UNET, names, budget, tiny_shards, tmp_path, stn0=STN, canvas=CANVAS, bf16=bf16)
    runs[0].folder.parent.mkdir()
    runs[0].folder.write_text("a file where a folder must be")
    done = CliRunner().invoke(app, flags)
    assert done.exit_code == 1, done.output
    assert "1 of 2 runs failed: default (seed 0)" in done.output
    assert runs[1].done
    assert "not usable as a run folder" in runs[0].folder.with_name(f"{runs[0].folder.name}.log").read_text()

    runs[0].folder.unlink()
    trained = CliRunner().invoke(app, [*flags, "--train-only"])
    assert trained.exit_code == 0, (trained.output, trained.exception)
    assert runs[0].done and not list(tmp_path.glob("*.json"))
    again = CliRunner().invoke(app, flags)
    assert again.exit_code == 0, (again.output, again.exception)
    assert "done before" in again.output
    table = json.loads((tmp_path / "ingredients-unet-reduced.json").read_text())
    seen = {row["name"]: row["gain_seen"] for row in table["rows"]}
    assert {"default", "no-canvas"} <= seen.keys()
    claim = next(c for c in table["claims"] if c["better"] == "The U-Net that ships")
    assert claim["ours"] == pytest.approx(seen["default"]["mean"] - seen["no-canvas"]["mean"])
    assert abs(claim["ours"]) > 0.1  # a canvas is worth more from the first step on


@pytest.mark.parametrize("reduced", [False, True])
def test_each_help_of_the_stn_is_one_change(reduced):
    from faceprior.evaluation.reproduce.table3 import TABLE3, TABLE_HELP

    def config(table, row):
        return TrainConfig.load(row.config, overrides(table, row, Budget(reduced=reduced), 0, False))

    for row in TABLE_HELP.rows:
        whole = config(TABLE_HELP, TABLE_HELP.row("p-h" if row.name.startswith("p-h") else "p"))
        assert len(config(TABLE_HELP, row).differences(whole)) == (row.name not in ("p", "p-h")), row.name
    if reduced:  # Table 3's own runs
        assert config(TABLE_HELP, TABLE_HELP.row("p")) == config(TABLE3, TABLE3.row("p"))
