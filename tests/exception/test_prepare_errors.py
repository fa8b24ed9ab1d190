"""Bad sources: one line, status 2, nothing half-written; bad faces: skipped with the reason."""

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_faces import draw_face, draw_folder, turned_face, write_pts
from PIL import Image

from faceprior.dataset import prepare as module
from faceprior.dataset.prepare import PrepareOptions, prepare
from faceprior.dataset.shards import read_manifest, read_shard, read_split
from faceprior.errors import FacepriorError


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    draw_folder(folder, {"train": 2})
    return folder


def fails(match: str, *args, **kwargs) -> None:
    with pytest.raises(FacepriorError, match=match) as caught:
        prepare(*args, workers=1, **kwargs)
    assert "\n" not in str(caught.value)


def table(folder, header, *rows) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "landmarks.csv").write_text("\n".join([header, *rows]))


def test_every_bad_face_is_reported_with_its_reason(source, tmp_path):
    good = turned_face()
    faces = {
        "outside": (turned_face(centre=(235, 30)), None),
        "tiny": (turned_face(scale=8), None),
        "point": (np.full((68, 2), 50.0), None),
        "short": (good[:60], None),
        "infinite": (good + np.inf, None),
        "broken": (good, b"\xff\xd8\xff not a picture"),
        "empty": (good, b""),
    }
    for name, (landmarks, data) in faces.items():
        write_pts(source / f"{name}.pts", landmarks)
        if data is None:
            draw_face(good).save(source / f"{name}.png")
        else:
            (source / f"{name}.png").write_bytes(data)
    whole = (source / "face.jpg", source / "cut.jpg")
    draw_face(good).save(whole[0])
    whole[1].write_bytes(whole[0].read_bytes()[:2000])
    write_pts(source / "cut.pts", good)
    write_pts(source / "lonely.pts", good)
    summary = prepare([source], tmp_path / "out", workers=1)
    assert summary.total == 2
    with (tmp_path / "out" / "report.csv").open() as file:
        report = {row["name"]: row["reason"] for row in csv.DictReader(file)}
    assert "face outside the image" in report["outside.png"]
    assert "face too small" in report["tiny.png"]
    assert "landmarks lie on one point" in report["point.png"]
    assert "60 landmarks; 68 or 39" in report["short.png"]
    assert "not finite" in report["infinite.png"]
    for name in ("broken.png", "empty.png", "cut.jpg"):
        assert "image unreadable" in report[name]
    assert report["lonely.pts"] == "no image"
    assert report["face.jpg"] == "no landmarks"
    assert len(report) == sum(sum(c.values()) for c in summary.skipped.values()) == 10


def test_decompression_bomb_is_one_skipped_face(source, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000)
    draw_face(turned_face(scale=30, centre=(60, 55)), (120, 130)).save(source / "small.png")
    write_pts(source / "small.pts", turned_face(scale=30, centre=(60, 55)))
    summary = prepare([source], tmp_path / "out", workers=1)
    assert summary.total == 1
    assert "DecompressionBombError" in (tmp_path / "out" / "report.csv").read_text()


def test_nothing_usable_leaves_nothing(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    write_pts(folder / "a.pts", turned_face())
    fails("no usable face in .*source: no image", [folder], tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"source"}


def test_a_crash_in_the_middle_leaves_nothing(source, tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "make_row", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare([source], tmp_path / "out", workers=1)
    assert {p.name for p in tmp_path.iterdir()} == {"source"}


def test_output_folder_rules(source, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    fails("not empty", [source], out)
    fails("not a prepared folder", [source], out, overwrite=True)
    assert (out / "thesis.txt").read_text() == "mine"
    fails("would replace the source", [source], tmp_path, overwrite=True)
    (tmp_path / "file").write_text("")
    fails("not a folder", [source], tmp_path / "file")
    prepare([source], tmp_path / "made", workers=1)
    fails("not empty", [source], tmp_path / "made")
    prepare([source], tmp_path / "made", PrepareOptions(test_only=True), workers=1, overwrite=True)
    assert read_manifest(tmp_path / "made")["options"]["test_only"] is True


def test_arguments(source, tmp_path):
    out = tmp_path / "out"
    fails("no source", [], out)
    fails("no such folder", [tmp_path / "nowhere"], out)
    fails("layout 'psd' is not known", [source], out, options=PrepareOptions(layout="psd"))
    fails("persons 'bob' is not known", [source], out, options=PrepareOptions(persons="bob"))
    (tmp_path / "else").mkdir()
    fails("no landmarks found", [tmp_path / "else"], out)
    fails("no folder img_align_celeba", [source], out, options=PrepareOptions(layout="celeba"))
    draw_folder(tmp_path / "else" / "source", {"train": 1})
    fails("two sources are named 'source'", [source, tmp_path / "else" / "source"], out)
    assert not out.exists()


def test_five_point_celeba_is_refused(tmp_path):
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    (folder / "list_landmarks_align_celeba.txt").write_text(
        f"1\n{names}\n000001.jpg 69 109 106 113 77 142 73 152 108 154\n"
    )
    fails("list_landmarks_align_celeba.txt: 5 landmarks an image; 68 are needed", [folder], tmp_path / "out")


def test_bad_tables(tmp_path):
    xy = [f"{axis}{i}" for i in range(68) for axis in "xy"]
    folder, out = tmp_path / "t", tmp_path / "out"
    table(folder, "file," + ",".join(xy))
    fails("no column 'image'", [folder], out)
    table(folder, ",".join(["image", *xy, "x68", "y68"]))
    fails("69 landmarks", [folder], out)
    table(folder, ",".join(["image", *xy, "v0", "v1"]))
    fails("2 visibility columns", [folder], out)
    (folder / "landmarks.csv").write_bytes(b"\xff\xfe\x00\x01")
    fails("cannot be read as a text table", [folder], out)
    row = ["a.png", *["nan"] * 136]
    table(folder, ",".join(["image", *xy]), ",".join(row), "b.png,1,2", ",".join(["c.png", *["?"] * 136]))
    fails("no usable face", [folder], out)
    (folder / "identity.csv").write_text("image,person\na.png\n")
    fails("identity row", [folder], out)
    (folder / "identity.csv").unlink()
    (folder / "landmarks2.csv").write_text("")
    fails("more than one landmark table", [folder], out)


def test_reader_names_the_file_and_the_fault(tiny_shards, tmp_path):
    good = pq.read_table(next(tiny_shards.glob("val-*.parquet")))
    path = tmp_path / "val-00000.parquet"

    def reads(match, table):
        pq.write_table(table, path)
        with pytest.raises(FacepriorError, match=rf"val-00000\.parquet: {match}"):
            read_shard(path)

    reads("no column 'yaw'", good.drop_columns(["yaw"]))
    at = good.schema.get_field_index("landmarks")
    short = pa.array([[0.0] * 10] * len(good), pa.list_(pa.float32(), 10))
    reads("column 'landmarks' is fixed_size_list", good.set_column(at, "landmarks", short))
    reads("column 'side' is string", good.set_column(7, "side", pa.array(["x"] * len(good))))
    reads("column 'name' has empty values", good.set_column(5, "name", pa.nulls(len(good), pa.string())))
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(FacepriorError, match="not a readable Parquet file"):
        read_shard(path)
    with pytest.raises(FacepriorError, match="not a prepared folder"):
        next(read_split(tmp_path, "val"))
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 99, "shards": {}}))
    with pytest.raises(FacepriorError, match="format 99"):
        next(read_split(tmp_path, "val"))
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(FacepriorError, match="damaged"):
        next(read_split(tmp_path, "val"))
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "shards": {"val-00007.parquet": {}}}))
    with pytest.raises(FacepriorError, match=r"val-00007\.parquet: missing"):
        next(read_split(tmp_path, "val"))
    with pytest.raises(FacepriorError, match="split 'dev' is not known"):
        next(read_split(tiny_shards, "dev"))


def test_what_a_killed_run_left_is_put_right(tmp_path):
    """Killed between the two renames of --overwrite: the folder of before comes back; half a folder goes."""
    import subprocess
    import sys

    from drawn_faces import draw_folder

    from faceprior.dataset.prepare import prepare
    from faceprior.dataset.shards import read_manifest

    draw_folder(tmp_path / "drawn", {"train": 2, "val": 1, "test": 1})
    out = tmp_path / "shards"
    prepare([tmp_path / "drawn"], out, workers=1)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    out.rename(tmp_path / f".shards.old-{gone.pid}")
    (tmp_path / f".shards.partial-{gone.pid}").mkdir()
    (tmp_path / f".shards.partial-{gone.pid}" / "train-00000.parquet").write_bytes(b"half")
    with pytest.raises(FacepriorError, match="not empty"):
        prepare([tmp_path / "drawn"], out, workers=1)
    assert read_manifest(out)["shards"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn", "shards"]
