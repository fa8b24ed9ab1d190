"""`prepare`: layouts in, shards out."""

import io
import json
import os
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from drawn_faces import draw_face, draw_folder, turned_face, write_pts
from PIL import Image
from typer.testing import CliRunner

from faceprior.dataset import layouts
from faceprior.dataset.context import CONTEXT, OFFSET, context_frame, encode, render
from faceprior.dataset.layouts.persons import person_of
from faceprior.dataset.prepare import PrepareOptions, prepare
from faceprior.dataset.shards import SCHEMA, SPLITS, ShardWriter, read_manifest, read_split, shard_paths
from faceprior.dataset.split import deal, split_of
from faceprior.face.pose import visible_from_pose

QUICK = {"workers": 1}


def rows(folder):
    return [row for split in SPLITS for table in read_split(folder, split) for row in table.to_pylist()]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


def header(flags: bool = False) -> str:
    names = [f"{axis}{i}" for i in range(68) for axis in "xy"] + [f"v{i}" for i in range(68)] * flags
    return ",".join(["image", *names])


def line(name: str, landmarks: np.ndarray, visible=()) -> str:
    return ",".join([name, *(f"{x:.3f}" for x in landmarks.ravel()), *(str(int(v)) for v in visible)])


def test_tiny_shards_are_what_the_contract_says(tiny_shards):
    manifest = read_manifest(tiny_shards)
    assert [sum(manifest["faces"][split].values()) for split in SPLITS] == [24, 6, 8]
    for path in tiny_shards.glob("*.parquet"):
        assert pq.read_schema(path).names == SCHEMA.names
    for row in rows(tiny_shards):
        image = Image.open(io.BytesIO(row["image"]))
        assert image.size == (CONTEXT, CONTEXT) and image.mode == "RGB"
        landmarks = np.array(row["landmarks"]).reshape(68, 2)
        eyes, mouth = landmarks[36:48].mean(0), landmarks[[48, 54]].mean(0)
        # Upright: the mouth is below the eyes; in the middle of the crop lies the frame's centre.
        assert mouth[1] - eyes[1] > 30
        assert np.abs(eyes + 0.42 * (mouth - eyes) - (CONTEXT - 1) / 2)[1] < 4
        assert len(row["visible"]) == 68 and row["side"] > 100
    assert {p.name for p in tiny_shards.iterdir()} == {*manifest["shards"], "manifest.json", "report.csv"}


def test_corners_are_the_photo_in_context_pixels(tmp_path):
    draw_folder(tmp_path / "a", {"train": 1})
    prepare([tmp_path / "a"], tmp_path / "out", **QUICK)
    (row,) = rows(tmp_path / "out")
    corners = np.array(row["corners"]).reshape(4, 2)
    across = np.hypot(*(corners[1] - corners[0])) * row["side"] / 128
    assert across == pytest.approx(240, abs=1e-2)


def test_context_holds_the_landmarks_where_it_says():
    """A white dot drawn at a landmark is found in the context at the landmark's place."""
    landmarks = turned_face(20, 0, 30)
    image = draw_face(landmarks)
    for index in (30, 8, 54):
        dotted = np.array(image) // 4
        x, y = landmarks[index].round().astype(int)
        dotted[y, x] = 255
        frame = context_frame(landmarks)
        context = np.asarray(render(Image.fromarray(dotted), frame)).astype(float).sum(2)
        plain = np.asarray(render(Image.fromarray(np.array(image) // 4), frame)).astype(float).sum(2)
        bright = np.abs(context - plain)
        ys, xs = np.mgrid[:CONTEXT, :CONTEXT]
        found = np.array([(xs * bright).sum(), (ys * bright).sum()]) / bright.sum()
        assert found == pytest.approx(frame.from_image(np.array([x, y]), CONTEXT), abs=0.15)


def test_context_repeats_the_edge_and_bounds_its_work():
    small = Image.new("RGB", (60, 60), (10, 200, 30))
    landmarks = turned_face(scale=20, centre=(30, 25))
    assert np.ptp(np.asarray(render(small, context_frame(landmarks))).reshape(-1, 3), axis=0).max() <= 1
    # A frame of 6,000 pixels: blocks are averaged first; a ramp keeps its value at the frame's centre.
    ramp = Image.fromarray(np.repeat(np.arange(0, 240, 0.06).astype(np.uint8)[None, :, None], 4000, 0).repeat(3, 2))
    frame = context_frame(turned_face(scale=1200, centre=(2000, 1700)))
    out = np.asarray(render(ramp, frame))
    assert out[112, 112, 0] == pytest.approx(frame.centre[0] * 0.06, abs=2)


def test_same_split_whatever_the_order_the_company_and_the_workers(tmp_path):
    draw_folder(tmp_path / "a", {"train": 30, "val": 3, "test": 12}, seed=1)
    draw_folder(tmp_path / "b", {"train": 4, "test": 2}, seed=2)
    prepare([tmp_path / "a"], tmp_path / "one", workers=1)
    prepare([tmp_path / "b", tmp_path / "a"], tmp_path / "two", workers=2)

    def where(folder):
        return {
            (r["source"], r["name"]): (split, r["image"])
            for split in SPLITS
            for t in read_split(folder, split)
            for r in t.to_pylist()
        }

    alone, together = where(tmp_path / "one"), where(tmp_path / "two")
    assert len(alone) == 45 and len(together) == 51
    assert all(together[key] == value for key, value in alone.items())


def test_of_few_people_one_validates(tmp_path):
    from faceprior.cli.app import app

    draw_folder(tmp_path / "few", {"train": 3, "test": 1})
    prepared = prepare([tmp_path / "few"], tmp_path / "shards", workers=1)
    assert {split: sum(by.values()) for split, by in prepared.faces.items()} == {"train": 2, "val": 1, "test": 1}
    assert prepared.persons == {"train": 2, "val": 1, "test": 1} and prepared.validates
    (row,) = (row for table in read_split(tmp_path / "shards", "val") for row in table.to_pylist())
    assert row["person"] == prepared.validates
    assert split_of("few", prepared.validates) == "train"
    said = CliRunner().invoke(app, ["prepare", str(tmp_path / "few"), "-o", str(tmp_path / "again"), "-q"])
    assert f"too few people for a split by lot: {prepared.validates} validates" in said.output
    for name in {path.name for path in (tmp_path / "shards").iterdir()} - {"manifest.json"}:
        assert (tmp_path / "shards" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_nobody_is_moved_who_is_tested_or_alone():
    assert deal([("s", str(i)) for i in range(200)])[1] is None  # by lot somebody validates
    many = [str(i) for i in range(40)]
    tested = [("s", name) for name in many if split_of("s", name) == "test"]
    alone = next(("s", name) for name in many if split_of("s", name) == "train")
    splits, nearest = deal([*tested, alone])
    assert nearest is None and splits[alone] == "train" and {splits[who] for who in tested} == {"test"}
    assert deal([]) == ({}, None)


def test_a_person_is_in_one_split(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for person in ("Ada_Love", "Bo_Li", "Cy_Young", "Di_Ana"):
        for i in range(4):
            landmarks = turned_face(10 * i)
            draw_face(landmarks, seed=i).save(folder / f"{person}_{i:02d}.png")
            write_pts(folder / f"{person}_{i:02d}.pts", landmarks)
    prepare([folder], tmp_path / "out", **QUICK)
    for split in SPLITS:
        people = [r["person"] for t in read_split(tmp_path / "out", split) for r in t.to_pylist()]
        assert all(people.count(p) == 4 for p in people)
    prepare([folder], tmp_path / "each", PrepareOptions(persons="image"), **QUICK)
    assert len({r["person"] for r in rows(tmp_path / "each")}) == 16


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Adrian_Nastase_40.jpg", "Adrian_Nastase"),
        ("Benedita_da_Silva_22.jpg", "Benedita_da_Silva"),
        ("100032540_2.jpg", "100032540"),
        ("sub/100032540_2.jpg", "sub/100032540"),
        ("indoor_001.png", "indoor_001.png"),
        ("image_0007.png", "image_0007.png"),
        ("07904A10.jpg", "07904A10.jpg"),
        ("24_1_4_20170104.jpg", "24_1_4_20170104.jpg"),
    ],
)
def test_person_of_a_name(name, person):
    assert person_of(name) == person
    assert person_of(name, "image") == name


def test_table_layout_with_visibility_and_person(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    landmarks = turned_face(5)
    flags = np.arange(68) % 2 == 0
    for name in ("a.png", "b.png", "stray.png"):
        draw_face(landmarks).save(folder / name)
    (folder / "landmarks68.csv").write_text(
        "\n".join([header(True), line("a.png", landmarks, flags), line("b.png", landmarks, ~flags)])
    )
    (folder / "identity.csv").write_text("image,person\na.png,7\nb.png,7\n")
    assert layouts.detect(folder) == "table"
    prepare([folder], tmp_path / "out", **QUICK)
    found = {r["name"]: r for r in rows(tmp_path / "out")}
    assert found["a.png"]["person"] == found["b.png"]["person"] == "7"
    assert found["a.png"]["visible"] == flags.tolist() and found["b.png"]["visible"] == (~flags).tolist()
    assert "set,stray.png,no landmarks" in (tmp_path / "out" / "report.csv").read_text()


@pytest.mark.parametrize("official", [False, True])
def test_celeba_layout(tmp_path, official):
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    landmarks = turned_face(5)
    for i in (1, 2):
        draw_face(landmarks, seed=i).save(folder / "img_align_celeba" / f"00000{i}.png")
    if official:
        numbers = " ".join(f"{x:.1f}" for x in landmarks.ravel())
        names = " ".join(f"p{i}_{axis}" for i in range(68) for axis in "xy")
        text = f"2\n{names}\n000001.png  {numbers}\n000002.png {numbers}\n"
        (folder / "list_landmarks_align_celeba.txt").write_text(text)
        (folder / "identity_CelebA.txt").write_text("000001.png 2880\n000002.png 2937\n")
    else:
        body = [header(), *(line(f"00000{i}.png", landmarks) for i in (1, 2))]
        (folder / "landmarks68.csv").write_text("\n".join(body))
        (folder / "identity.csv").write_text("image,person\n000001.png,2880\n000002.png,2937\n")
    assert layouts.detect(folder) == "celeba"
    prepare([folder], tmp_path / "out", **QUICK)
    assert {r["person"] for r in rows(tmp_path / "out")} == {"2880", "2937"}


def test_visibility_comes_from_the_pose_where_nothing_else_says(tmp_path):
    folder = tmp_path / "side"
    folder.mkdir()
    landmarks = turned_face(65)
    draw_face(landmarks).save(folder / "a.png")
    write_pts(folder / "a.pts", landmarks)
    prepare([folder], tmp_path / "out", PrepareOptions(test_only=True), **QUICK)
    (row,) = rows(tmp_path / "out")
    assert row["yaw"] == pytest.approx(65, abs=0.01)
    assert row["visible"] == visible_from_pose(65, 0).tolist()


def test_test_only_and_salt(tmp_path):
    draw_folder(tmp_path / "a", {"train": 10, "test": 2}, seed=1)
    summary = prepare([tmp_path / "a"], tmp_path / "test", PrepareOptions(test_only=True), **QUICK)
    assert summary.faces == {"train": {}, "val": {}, "test": {"a": 12}}
    assert shard_paths(tmp_path / "test", "train") == []
    salted = prepare([tmp_path / "a"], tmp_path / "salted", PrepareOptions(split_salt="x"), **QUICK)
    assert salted.total == 12


def test_shards_stay_below_their_size(tmp_path):
    image = encode(draw_face(turned_face(), (CONTEXT, CONTEXT)))
    row = dict.fromkeys(("source", "person", "name"), "x") | {"yaw": 0.0, "side": 1.0, "image": image}
    row |= {"landmarks": [0.0] * 136, "visible": [True] * 68, "corners": [0.0] * 8}
    writer = ShardWriter(tmp_path, "train", max_bytes=40_000)
    for _ in range(30):
        writer.add(row)
    writer.flush()
    assert len(writer.files) > 2 and sum(f["faces"] for f in writer.files.values()) == 30
    assert all(path.stat().st_size <= 40_000 for path in tmp_path.glob("*.parquet"))


def test_command_line(tmp_path):
    from faceprior.cli.app import app

    draw_folder(tmp_path / "a", {"train": 3, "test": 1})
    (tmp_path / "a" / "broken.png").write_bytes(b"no image")
    write_pts(tmp_path / "a" / "broken.pts", turned_face())
    result = CliRunner().invoke(app, ["prepare", str(tmp_path / "a"), "-o", str(tmp_path / "out"), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "4 faces" in result.output and "1 skipped" in result.output
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["skipped"] == {"a": {"image unreadable": 1}}


@pytest.mark.data
def test_conformance_of_the_crop(vectors, vector_faces):
    """HR of a stored context against the vectors: >= 38 dB, landmarks within 0.05 px."""
    for i, (landmarks, hr, expected) in enumerate(
        zip(vectors["landmarks"], vectors["hr"], vectors["hr_landmarks"], strict=True)
    ):
        frame = context_frame(landmarks)
        context = encode(render(Image.open(vector_faces / f"face{i:02d}.png"), frame))
        crop = np.asarray(Image.open(io.BytesIO(context)))[OFFSET : OFFSET + 128, OFFSET : OFFSET + 128]
        assert psnr(crop, hr) >= 38
        assert len(context) < 30_000
        assert np.abs(frame.from_image(landmarks, CONTEXT) - OFFSET - expected).max() < 0.05


@pytest.mark.data
def test_real_folders(real_faces, tmp_path):
    summary = prepare([real_faces / "helen", real_faces / "ytf"], tmp_path / "out", **QUICK)
    assert summary.total >= 40 and summary.bytes / summary.total < 25_000
    assert np.median([abs(r["yaw"]) for r in rows(tmp_path / "out")]) < 25


def test_a_source_for_tests_alone_is_never_trained_on(tmp_path):
    draw_folder(tmp_path / "a", {"train": 6, "val": 2, "test": 2})
    draw_folder(tmp_path / "b", {"train": 6, "val": 2, "test": 2})
    options = PrepareOptions(test_sources=("b",))
    summary = prepare([tmp_path / "a", tmp_path / "b"], tmp_path / "out", options, **QUICK)
    assert {split: counts.get("b", 0) for split, counts in summary.faces.items()} == {"train": 0, "val": 0, "test": 10}
    assert summary.faces["train"]["a"] == 6
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["test_only"] == ["b"]


def test_avif_is_read(tmp_path):
    draw_folder(tmp_path / "a", {"train": 2})
    for png in list((tmp_path / "a").glob("*.png")):
        Image.open(png).save(png.with_suffix(".avif"), quality=90)
        png.unlink()
    assert prepare([tmp_path / "a"], tmp_path / "out", **QUICK).total == 2


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux alone")
def test_names_that_are_no_utf8_are_prepared_and_reported(tmp_path):
    draw_folder(tmp_path / "a", {"train": 2})
    (used,) = sorted((tmp_path / "a").glob("*.png"))[:1]
    strange = os.fsdecode(b"caf\xe9-1.png")
    used.with_suffix(".pts").rename(tmp_path / "a" / strange.replace(".png", ".pts"))
    used.rename(tmp_path / "a" / strange)
    (tmp_path / "a" / os.fsdecode(b"b\xe9ise.png")).write_bytes(used.name.encode())  # no landmarks: skipped
    summary = prepare([tmp_path / "a"], tmp_path / "out", PrepareOptions(test_only=True), **QUICK)
    assert summary.total == 2
    assert "b\\xe9ise.png" in (tmp_path / "out" / "report.csv").read_text(encoding="utf-8")
    assert "caf\\xe9-1.png" in {r["name"] for r in rows(tmp_path / "out")}
