"""The bulk engine's parts, without Ray: places, names, listing, what one worker does."""

import io
import json
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
fsspec = pytest.importorskip("fsspec")

from cut_faces import restored  # noqa: E402
from PIL import Image  # noqa: E402
from random_models import small_onnx, smooth_faces  # noqa: E402

from faceprior.bulk import attempts as attempts_module  # noqa: E402
from faceprior.bulk import listing, places, run  # noqa: E402
from faceprior.bulk.listing import STATE, Source, chunks, spread  # noqa: E402
from faceprior.bulk.names import marks, stems  # noqa: E402
from faceprior.bulk.places import Place  # noqa: E402
from faceprior.bulk.plan import Finder, Plan, Weights  # noqa: E402
from faceprior.bulk.restorer import Restorer  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.photo.decode import read_bytes  # noqa: E402


def png(seed: int = 0, size: int = 48) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(smooth_faces(1, seed)[0]).resize((size, size), Image.Resampling.BICUBIC).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(params=["path", "file", "memory"])
def place(request, tmp_path) -> Place:
    """An empty folder on a disk, the same as a URI, and in fsspec's memory, behind PyArrow's handler."""
    if request.param == "memory":
        fsspec.filesystem("memory").store.clear()
        return Place(f"memory://{tmp_path.name}")
    return Place(str(tmp_path / "p") if request.param == "path" else f"file://{tmp_path}/p")


def plan_for(out: Place, kind: str = "cropped", **options) -> Plan:
    weights = Weights.of(str(small_onnx()))
    info = weights.load(threads=1).info
    about = {"faceprior": "x", "model": asdict(info)}
    return Plan(out, kind, weights, Finder(None), info.sha256, about, **options)


def work(source: Source, plan: Plan, workers: int = 1) -> list:
    worker = Restorer(plan)
    return [worker.restore(c) for s in spread(source) for c in chunks(s, plan.out, plan.kind, plan.since, workers)]


# -- places


def test_a_place_writes_lists_reads_and_deletes(place):
    assert place.list("nowhere") == []
    assert place.kind("a/b.png") == "none"
    place.write("a/b.png", b"12")
    place.write("a/b.png", b"123")
    place.write("c", b"")
    assert [(e.name, e.folder) for e in place.list()] == [("a", True), ("c", False)]
    assert [(e.name, e.size) for e in place.list("a")] == [("b.png", 3)]  # nothing beside it is left
    assert place.read("a/b.png") == b"123"
    assert [entry and entry.size for entry in place.stat(["a/b.png", "a", "x"])] == [3, None, None]
    place.delete("a/b.png")
    place.delete("a/b.png")
    assert place.stat(["a/b.png"]) == [None]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_threads_read_one_archive_at_once(tmp_path, kind):
    contents = {f"{i:02d}.bin": bytes([i]) * 70_000 for i in range(24)}
    archive = tmp_path / f"all.{kind}"
    with zipfile.ZipFile(archive, "w") if kind == "zip" else tarfile.open(archive, "w") as file:
        for name, data in contents.items():
            (tmp_path / name).write_bytes(data)
            (file.write if kind == "zip" else file.add)(tmp_path / name, name)
    for _ in range(5):
        places._opened_once.cache_clear()  # all threads come first
        with ThreadPoolExecutor(8) as pool:
            read = list(pool.map(Place(f"{kind}://::file://{archive}").read, contents))
        assert read == list(contents.values())


def test_a_write_that_fails_leaves_nothing(tmp_path):
    place = Place(str(tmp_path))
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError):
        place.write("a.png", b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_scheme_that_nobody_knows_is_one_line():
    with pytest.raises(FacepriorError, match="nonsense://x: cannot be opened") as caught:
        Place("nonsense://x").list()
    assert "\n" not in str(caught.value)


def test_a_query_with_keys_is_not_shown():
    assert Place("s3://user:key@b/x?endpoint_override=h:1").shown("a.png") == "s3://b/x/a.png"


# -- names


def test_names_depend_on_no_order():
    assert stems(["a.jpg", "b.png"]) == ["a", "b"]
    given = ["a.jpg", "a.gif", "A.png", "b.png", "b", "x.sheet.png", "y.heatmaps.jpg"]
    given += ["z.jpg", "folder.jpg", "z.jpg.png"]
    named = dict(zip(given, stems(given, ["folder"]), strict=True))
    assert named == dict(zip(given[::-1], stems(given[::-1], ["folder"]), strict=True))
    assert named["z.jpg"] == "z"
    assert named["folder.jpg"] == "folder.jpg"  # folder/01.png is another image's
    results = [mark.casefold() for name, stem in named.items() for mark in marks(name, stem, "auto")]
    assert len(set(results)) == len(results)
    long = stems(["é" * 120 + ".png", "é" * 121 + ".png"])
    assert len(set(long)) == 2
    assert all(len(stem.encode()) <= 200 for stem in long)


def test_a_file_added_later_never_passes_for_done(tmp_path):
    """a.jpg is done as a.png; then a.gif comes: neither it nor a.jpg may take the other's result."""
    source, out = tmp_path / "in", Place(str(tmp_path / "out"))
    source.mkdir()
    (source / "a.jpg").write_bytes(png(1))
    plan = plan_for(out)
    work(Source(Place(str(source))), plan)
    (source / "a.gif").write_bytes(png(2))
    work(Source(Place(str(source))), plan)
    for name, seed in (("a.jpg.png", 1), ("a.gif.png", 2)):
        (expected,) = restored(plan.upscaler(), [read_bytes(png(seed), "x.png")])
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(out.read(name)))), expected)


# -- listing


def test_listing_is_by_folder_and_leaves_out_what_is_done(place):
    for name in ("a.png", "b.jpg", "notes.txt", ".hidden.png", "s/c.png", "s/deep/d.png", ".git/e.png"):
        place.write(f"in/{name}", b"1")
    place.write("out/s/c.png", b"1")
    source, out = Place(place.text + "/in"), Place(place.text + "/out")

    def found(deep: bool):
        listed = [c for s in spread(Source(source, deep=deep)) for c in chunks(s, out, "cropped", 0, 2)]
        return {c.target(f[1]) for c in listed for f in c.files}, sum(c.skipped for c in listed)

    assert found(False) == ({"a", "b"}, 0)
    assert found(True) == ({"a", "b", "s/deep/d"}, 1)
    assert [part.folder for part in spread(Source(source, deep=True))] == ["", "s"]  # a task for each


def test_chunks_are_bounded_and_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "CHUNK", 10)
    for i in range(95):
        (tmp_path / f"{i}.png").touch()
    listed = list(chunks(Source(Place(str(tmp_path))), Place(str(tmp_path / "out")), "cropped", 0, 1))
    assert [len(c.files) for c in listed] == [10] * 9 + [5]
    assert len({f[0] for c in listed for f in c.files}) == 95


def test_names_that_are_no_text_are_listed_and_stop_nothing(tmp_path):
    import os

    (tmp_path / "in").mkdir()
    for name in (b"bad\xff.png", b"good.png"):
        Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name)).write_bytes(png())
    os.mkfifo(tmp_path / "in" / "pipe.png")
    (outcome,) = work(Source(Place(str(tmp_path / "in"))), plan_for(Place(str(tmp_path / "out"))))
    assert outcome.done == 1
    assert [why for _, why in outcome.failed] == ["its name is not UTF-8; the local engine takes it"]


# -- one worker


def test_a_worker_restores_as_the_network_does_wherever_the_files_are(place):
    for i in range(11):
        place.write(f"in/{i}.png", png(i))
    place.write("in/bad.png", b"no")
    place.write("in/empty.jpg", b"")
    source, out = Place(place.text + "/in"), Place(place.text + "/out")
    plan = plan_for(out, table=True, heatmaps=True)
    outcomes = work(Source(source), plan)
    assert sum(o.done for o in outcomes) == 11
    assert sorted(failed for o in outcomes for failed in o.failed) == [
        (source.shown("bad.png"), "not an image that Pillow reads"),
        (source.shown("empty.jpg"), "the file is empty"),
    ]
    faces = [read_bytes(png(i), "x.png") for i in range(11)]
    for i, expected in enumerate(restored(plan.upscaler(), faces)):
        written = np.asarray(Image.open(io.BytesIO(out.read(f"{i}.png")))).astype(int)
        assert np.abs(written - expected).max() <= 1, i  # other batches: within one level
    tables = [out.read(f"{STATE}/faces/{entry.name}") for entry in out.list(f"{STATE}/faces")]
    lines = [json.loads(line) for table in tables for line in table.splitlines()]
    assert sorted(line["image"] for line in lines) == sorted(f"{i}.png" for i in range(11))
    again = work(Source(source), plan)
    assert (sum(o.done for o in again), sum(o.skipped for o in again)) == (0, 11)


def test_photos_and_faces_side_by_side(tmp_path):
    from importlib.resources import files

    source = tmp_path / "in"
    source.mkdir()
    portrait = Image.open(io.BytesIO((files("faceprior") / "assets" / "astronaut.jpg").read_bytes()))
    portrait.resize((320, 320)).save(source / "photo.JPG")
    (source / "face.png").write_bytes(png())
    out = Place(str(tmp_path / "out"))
    plan = plan_for(out, "auto")
    outcomes = work(Source(Place(str(source))), plan)
    assert sum(o.done for o in outcomes) == 2
    names = {e.name for e in out.list() if not e.folder}
    assert {"face.png", "photo.JPG", "photo.json"} <= names
    said = json.loads(out.read("photo.json"))
    assert said["source"]["bytes"] == (source / "photo.JPG").stat().st_size
    for file in said["files"].values():
        assert out.stat([file])[0] is not None
    assert sum(o.skipped for o in work(Source(Place(str(source))), plan)) == 2
    out.delete("photo.JPG")  # a kill before the last file: all of that photo again
    assert sum(o.done for o in work(Source(Place(str(source))), plan)) == 1


def test_an_image_that_kills_workers_is_given_up(tmp_path):
    """A dead worker's marks are those that it wrote before: here they are made as it would have left them."""
    source, out = tmp_path / "in", Place(str(tmp_path / "out"))
    source.mkdir()
    for i in range(3):
        (source / f"{i}.png").write_bytes(png(i))
    plan = plan_for(out)
    worker = Restorer(plan)
    names = [f"{i}.png" for i in range(3)]
    marks_of = attempts_module.Attempts(out)
    marks_of.begin(*names)  # the first death, at the chunk
    for _ in range(attempts_module.MOST):  # two more, at 1.png alone
        marks_of.begin("1.png", "alone")
    (chunk,) = chunks(Source(Place(str(source))), out, "cropped", 0, 1)
    outcome = worker.restore(chunk)
    assert outcome.done == 2
    ((name, why),) = outcome.failed
    assert name.endswith("1.png")
    assert "3 workers died" in why
    assert out.stat(["1.png"]) == [None]


def test_a_chunk_that_comes_again_is_written_once(tmp_path):
    """Ray repeats a chunk whose worker died, or whose outcome was lost with a machine."""
    source, out = tmp_path / "in", Place(str(tmp_path / "out"))
    source.mkdir()
    for i in range(5):
        (source / f"{i}.png").write_bytes(png(i))
    worker = Restorer(plan_for(out))
    (chunk,) = chunks(Source(Place(str(source))), out, "cropped", 0, 1)
    assert worker.restore(chunk).done == 5
    out.delete("2.png")
    before = {entry.name: entry for entry in out.list()}
    assert worker.restore(chunk).done == 5
    after = {entry.name: entry for entry in out.list()}
    assert [name for name in after if after[name] != before.get(name)] == ["2.png"]


def test_an_output_that_cannot_be_written_fails_its_images_and_ends(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.png").write_bytes(png())
    (tmp_path / "out").write_text("a file")
    (outcome,) = work(Source(Place(str(source))), plan_for(Place(str(tmp_path / "out"))))
    assert outcome.done == 0
    assert len(outcome.failed) == 1


# -- a run's beginning


def test_inputs_and_output_are_kept_apart(tmp_path):
    for folder in ("in/sub", "more", "other/in"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.png").write_bytes(png())
    sources, missing = run.find([str(tmp_path / "in"), str(tmp_path / "no")], recursive=True)
    assert [s.below for s in sources] == [""]
    assert [name for name, _ in missing] == [str(tmp_path / "no")]
    for bad in ("in", "in/out", "in/../in"):
        with pytest.raises(FacepriorError, match="choose another folder with -o"):
            run.check_apart(sources, Place(str(tmp_path / bad)), recursive=True)
    run.check_apart(sources, Place(str(tmp_path / "out")), recursive=True)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(FacepriorError, match="holds inputs"):
        run.check_apart(sources, Place(str(tmp_path / "link")), recursive=True)
    two, _ = run.find([str(tmp_path / "in"), str(tmp_path / "more"), str(tmp_path / "more" / "a.png")], recursive=False)
    assert [s.below for s in two] == ["in", "more", ""]
    with pytest.raises(FacepriorError, match="two folders of one name"):
        run.find([str(tmp_path / "in"), str(tmp_path / "other" / "in")], recursive=False)
    with pytest.raises(FacepriorError, match="two of the files"):
        run.find([str(tmp_path / "more" / "a.png"), str(tmp_path / "in" / "sub" / "a.png")], recursive=False)


def test_a_run_goes_on_with_its_own_settings_alone(tmp_path):
    out = Place(str(tmp_path / "out"))
    plan = run.prepare(plan_for(out), ["in"], overwrite=False)
    assert plan.since == 0
    assert run.prepare(plan_for(out), ["in"], overwrite=False).since == 0
    with pytest.raises(FacepriorError, match=r"other settings \(cropped differ\)"):
        run.prepare(plan_for(out, heatmaps=True), ["in"], overwrite=False)
    anew = run.prepare(plan_for(out, heatmaps=True), ["in"], overwrite=True)
    assert anew.since > 0
    # Killed and started again without --overwrite: what was made anew stays.
    assert run.prepare(plan_for(out, heatmaps=True), ["in"], overwrite=False).since == anew.since
    foreign = Place(str(tmp_path / "foreign"))
    foreign.write("a.png", b"somebody's")
    with pytest.raises(FacepriorError, match="of another origin"):
        run.prepare(plan_for(foreign), ["in"], overwrite=False)
