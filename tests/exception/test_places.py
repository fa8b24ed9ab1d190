"""Names and places: odd names, links, pipes, folders, what may not be read or written, full disks, two runs at once."""

import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import any_model, faceprior, upscale  # noqa: F401  fixtures
from crafted_images import NOISE, RGB, saved
from PIL import Image

PNG = saved(RGB, "PNG")
MODES = pytest.mark.parametrize("mode", ["cropped", "photos"])
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def good(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PNG)
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@contextmanager
def nobody():
    """Root may read and write everything; within, this process may not."""
    if not ROOT:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def open_to_all(folder: Path) -> None:
    """pytest's temporary folders are their maker's alone."""
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/") and path.is_relative_to(folder.parents[2]):
            path.chmod(0o755)


# -- names

NAMES = ["a b.png", "münze ✓ 脸.png", "-dash.png", "--help.png", "new\nline.png", "esc\x1b[31mred.png"]
NAMES += ["[x]*?.png", "a.b.c.png", "'quotes\".png", "x" * 251 + ".png", "...png", "..png", "%s{0}.png"]
NAMES += ["out.png", "nul", "a\\b.png"]


@MODES
@pytest.mark.parametrize("name", NAMES)
def test_names(name, mode, upscale, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    ran = upscale(mode, good(tmp_path / "in" / name), "-o", out)
    assert ran.status == 0, ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    (result,) = [path for path in out.iterdir() if path.suffix != ".json"]
    with Image.open(result) as image:
        assert image.size == ((128, 128) if mode == "cropped" else (40, 30))
    assert len((ran.out + ran.err).splitlines()) <= 3
    assert "\x1b" not in ran.out + ran.err


@MODES
def test_a_name_that_is_no_text(mode, upscale, tmp_path):  # noqa: F811
    name = os.fsdecode(b"bytes \xff\xfe.png")
    try:
        file = good(tmp_path / "in" / name)
    except OSError:
        pytest.skip("this file system takes text alone")
    (tmp_path / "in" / os.fsdecode(b"bad \xff.png")).write_bytes(b"no")
    ran = upscale(mode, tmp_path / "in", "-o", tmp_path / os.fsdecode(b"out\xff"), *["--json"] * (mode == "cropped"))
    assert ran.status == 1
    assert "\\udcff" in ran.out and [line[:6] for line in ran.err.splitlines() if "bad" in line] == ["failed"]
    assert (tmp_path / os.fsdecode(b"out\xff") / file.name).exists()


@MODES
def test_a_faces_folder_never_leaves_the_output(mode, upscale, tmp_path):  # noqa: F811
    """A photo called "...png" has the stem "..": its faces' folder would be the one above."""
    upscale(mode, good(tmp_path / "in" / "...png"), good(tmp_path / "in" / "..png"), "-o", tmp_path / "deep" / "out")
    assert files(tmp_path / "deep") == files(tmp_path / "deep" / "out") != []


def test_a_name_typed_as_an_option_is_a_usage_error(faceprior, tmp_path):  # noqa: F811
    assert faceprior("upscale", "-dash.png", "-o", tmp_path / "out").status == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["demo", "upscale", "prepare", "train", "evaluate", "export"])
def test_every_verb_explains_itself(verb, faceprior):  # noqa: F811
    """Typer before 0.15.4 fails on its help where Click is newer than it."""
    ran = faceprior(verb, "--help")
    assert ran.status == 0 and verb in ran.out and not ran.err


# -- inputs that are no files


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(os.path.relpath(path))


REFUSED = {
    "absent.png": (lambda path: None, "no such file"),
    "folder.png": (Path.mkdir, "no image in this folder"),
    "pipe.png": (fifo, "is a pipe or a device"),
    "socket.png": (listening, "is a pipe or a device"),
    "loop.png": (lambda path: path.symlink_to(path.name), "symbolic link"),
    "dangling.png": (lambda path: path.symlink_to("absent.png"), "symbolic link"),
    "null.png": (lambda path: path.symlink_to("/dev/null"), "is a pipe or a device"),
    "zero.png": (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
    "y" * 300: (lambda path: None, "File name too long"),
}


@MODES
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.timeout(30)
def test_not_files(name, mode, upscale, tmp_path, monkeypatch):  # noqa: F811
    make, reason = REFUSED[name]
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    make(tmp_path / name)
    ran = upscale(mode, name, "-o", tmp_path / "out")
    assert ran.status == 2
    assert len(ran.err.splitlines()) == 1 and reason in ran.err, ran.err
    ran = upscale(mode, name, good(tmp_path / "good.png"), "-o", tmp_path / "out")
    assert ran.status == 1 and reason in ran.err
    assert "good.png" in files(tmp_path / "out")


@MODES
def test_links_to_files_are_followed_and_each_file_is_done_once(mode, upscale, tmp_path):  # noqa: F811
    good(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").symlink_to("a.png")
    assert upscale(mode, tmp_path / "in", "-o", tmp_path / "out").status == 0
    assert [name for name in files(tmp_path / "out") if name.endswith(".png")] == ["a.png"]


@MODES
@pytest.mark.timeout(30)
def test_links_of_a_folder_to_itself_end(mode, upscale, tmp_path, monkeypatch):  # noqa: F811
    """Two of them give 2^40 paths to one who follows links."""
    good(tmp_path / "in" / "deep" / "a.png")
    for name in "xyz":
        (tmp_path / "in" / name).symlink_to(".")
    for i, given in enumerate((("-r", tmp_path / "in"), (tmp_path / "in" / "**" / "*.png",))):
        assert upscale(mode, *given, "-o", tmp_path / f"out{i}").status == 0
        assert "a.png" in files(tmp_path / f"out{i}")
    monkeypatch.chdir(tmp_path)
    assert upscale(mode, "**/a.png", "-o", "out2").status == 0


# -- what must not be replaced


@MODES
@pytest.mark.parametrize("extra", [[], ["--overwrite"]])
def test_output_equal_to_input(mode, extra, upscale, tmp_path):  # noqa: F811
    file = good(tmp_path / "in" / "a.png")
    (tmp_path / "link").symlink_to("in")
    for out in (tmp_path / "in", tmp_path / "link", tmp_path / "in" / ".." / "in"):
        ran = upscale(mode, file, "-o", out, *extra)
        assert ran.status == 2 and "is an input" in ran.err
    assert file.read_bytes() == PNG and files(tmp_path) == ["a.png"]


def test_photos_of_one_command_do_not_replace_each_other(faceprior, tmp_path):  # noqa: F811
    """A small x.png and, in the output folder, a large x.png that is itself an input."""
    small, out = good(tmp_path / "in" / "x.png"), tmp_path / "out"
    out.mkdir()
    large = saved(Image.fromarray(NOISE).resize((300, 300)), "PNG")
    (out / "x.png").write_bytes(large)
    model = ("--model", any_model()) if any_model() else ()
    options = ("--overwrite", "--detector", "embedded", "--scale", "1", "--no-sheet", *model)
    ran = faceprior("upscale", small, out / "x.png", "-o", out, *options)
    assert ran.status == 1 and "is an input" in ran.err
    assert (out / "x.png").read_bytes() == large
    # the other way: a small input in a sub-folder of the output, where a photo of that name would go
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "y.png").write_bytes(large)
    inner = good(tmp_path / "out2" / "sub" / "y.png")
    ran = faceprior("upscale", "-r", tmp_path / "tree", inner, "-o", tmp_path / "out2", *options)
    assert ran.status == 1 and "is an input" in ran.err
    assert inner.read_bytes() == PNG


@pytest.mark.parametrize("extra", [[], ["--overwrite"]])
def test_a_photos_folder_of_faces_is_looked_into_before(extra, upscale, tmp_path):  # noqa: F811
    """out/party/01.png is an input, and a photo called party would put its first face there."""
    party, mine = good(tmp_path / "in" / "party.png"), good(tmp_path / "out" / "party" / "01.png")
    ran = upscale("photos", party, mine, "-o", tmp_path / "out", *extra)
    assert "is an input" in ran.err
    assert mine.read_bytes() == PNG
    ran = upscale("photos", party, "-o", tmp_path / "out")
    assert ran.status == 2 and "--overwrite" in ran.err


# -- what may not be read or written


@MODES
def test_unreadable(mode, upscale, tmp_path):  # noqa: F811
    locked, fine = good(tmp_path / "locked.png"), good(tmp_path / "fine.png")
    good(tmp_path / "closed" / "a.png")
    (tmp_path / "out").mkdir(mode=0o777)
    (tmp_path / "out").chmod(0o777)
    upscale(mode, fine, "-o", tmp_path / "warm")  # everything is imported, while it may be read
    open_to_all(tmp_path)
    locked.chmod(0)
    (tmp_path / "closed").chmod(0)
    try:
        with nobody():
            closed = tmp_path / "closed"
            ran = upscale(mode, locked, closed, closed / "a.png", fine, "-o", tmp_path / "out")
    finally:
        (tmp_path / "closed").chmod(0o755)
    assert ran.status == 1
    assert ran.err.count("ermission denied") == 3 and "Traceback" not in ran.err
    assert "fine.png" in files(tmp_path / "out")


@MODES
def test_read_only_output(mode, upscale, tmp_path):  # noqa: F811
    file = good(tmp_path / "a.png")
    upscale(mode, file, "-o", tmp_path / "warm")
    open_to_all(tmp_path)
    (tmp_path / "fixed").mkdir(mode=0o555)
    (tmp_path / "fixed").chmod(0o555)
    with nobody():
        for out in (tmp_path / "fixed", tmp_path / "fixed" / "new"):
            ran = upscale(mode, file, "-o", out)
            assert ran.status == 2 and "ermission denied" in ran.err, ran.err
            assert len(ran.err.splitlines()) == 1
    assert files(tmp_path / "fixed") == []


@MODES
@pytest.mark.parametrize("where", ["a.png", "a.png/sub"])
def test_output_at_or_below_a_file(where, mode, upscale, tmp_path):  # noqa: F811
    file = good(tmp_path / "a.png")
    ran = upscale(mode, file, "-o", tmp_path / where)
    assert ran.status == 2 and len(ran.err.splitlines()) == 1, ran.err
    assert file.read_bytes() == PNG


def test_an_empty_name_is_not_this_folder(faceprior, tmp_path, monkeypatch):  # noqa: F811
    """`faceprior upscale "$PHOTO"` where PHOTO is not set."""
    good(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    ran = faceprior("upscale", "", "-o", "out")
    assert ran.status == 2 and "an empty name" in ran.err and not (tmp_path / "out").exists()


def test_the_demo_replaces_nothing_but_a_demo(faceprior, tmp_path):  # noqa: F811
    mine = good(tmp_path / "mine" / "input.png")
    ran = faceprior("demo", "-o", tmp_path / "mine")
    assert ran.status == 2 and "input.png: exists" in ran.err and files(tmp_path) == ["input.png"]
    assert mine.read_bytes() == PNG
    for _ in range(2):
        assert faceprior("demo", "-o", tmp_path / "demo").status == 0


BOXES = {
    "endless": (None, "more than 32 MB"),
    "deep": ("[" * 200_000, "recursion"),
    "not-a-number": ("[[0, 0, NaN, 5]]", "is not a box"),
    "far": ("[[1e300, 0, 50, 50]]", "is not a box"),
    "no-size": ("[[10, 10, 0, 5]]", "is not a box"),
    "a-number": ('{"a.png": 5}', "a box is"),
    "far-points": ('[{"box": [1, 1, 20, 20], "points": [[1e99, 0], [1, 1], [2, 2], [3, 3], [4, 4]]}]', "five (x, y)"),
    "words": ("no", "cannot read boxes"),
}


@pytest.mark.parametrize("name", BOXES)
def test_boxes_that_are_none(name, faceprior, tmp_path):  # noqa: F811
    text, reason = BOXES[name]
    boxes = tmp_path / "boxes.json"
    boxes.symlink_to("/dev/zero") if text is None else boxes.write_text(text)
    model = ("--model", any_model()) if any_model() else ()
    photo = good(tmp_path / "a.png")
    ran = faceprior("upscale", photo, "--photos", "--boxes", boxes, "-o", tmp_path / "out", *model)
    assert ran.status == 2 and reason in ran.err and "internal error" not in ran.err, ran.err
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize("how", ["endless.onnx", "threads"])
def test_what_would_take_all_memory(how, tmp_path):
    good(tmp_path / "a.png")
    (tmp_path / "endless.onnx").symlink_to("/dev/zero")
    extra = ["--threads", "100000"] if how == "threads" else ["--model", str(tmp_path / how)]
    command = [sys.executable, "-c", CHILD, "0", "upscale", str(tmp_path / "a.png"), "-o", str(tmp_path / "o"), *extra]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2 and ("1 to 1024" if how == "threads" else "is not a file") in ran.stderr


# -- disks and processes

CHILD = """
import resource, signal, sys
if int(sys.argv[1]):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
del sys.argv[1]
from faceprior.cli.app import main
main()
"""


def child(limit: int, mode: str, *arguments: str | Path) -> subprocess.CompletedProcess:
    how = ["--photos", "--detector", "embedded", "--scale", "2"] if mode == "photos" else ["--cropped"]
    model = ["--model", any_model()] if any_model() else []
    command = [sys.executable, "-c", CHILD, str(limit), "upscale", *how, *model, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@MODES
def test_a_full_disk(mode, tmp_path):
    """No file may grow past 8 KB. What fits is whole, what does not is named and leaves nothing."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "noise.png").write_bytes(saved(NOISE, "PNG"))
    good(tmp_path / "in" / "plain.png")
    ran = child(8000, mode, tmp_path / "in" / "noise.png", tmp_path / "in" / "plain.png", "-o", tmp_path / "out")
    assert ran.returncode in (1, 2) and "Traceback" not in ran.stderr, ran.stderr
    assert "File too large" in ran.stderr
    _whole(tmp_path / "out")


@pytest.mark.skipif(not ROOT, reason="mounting takes root")
@MODES
def test_a_full_file_system(mode, tmp_path):
    out = tmp_path / "tiny"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", out], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (tmp_path / "noise.png").write_bytes(saved(NOISE, "PNG"))
        ran = child(0, mode, tmp_path / "noise.png", "-o", out)
        assert ran.returncode in (1, 2) and "No space left on device" in ran.stderr, ran.stderr
        _whole(out)
    finally:
        subprocess.run(["umount", out], check=True)


@MODES
def test_two_runs_into_one_folder(mode, tmp_path):
    """At once: whoever comes second refuses or replaces whole files; nothing is half of one and half of another."""
    inputs = [good(tmp_path / "in" / f"{i}.png") for i in range(6)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: child(0, mode, *inputs, "-o", tmp_path / "out"), range(2)))
    assert {ran.returncode for ran in both} <= {0, 1, 2}
    assert all("Traceback" not in ran.stderr for ran in both)
    assert {f"{i}.png" for i in range(6)} <= set(files(tmp_path / "out"))
    _whole(tmp_path / "out")


def _whole(folder: Path) -> None:
    """Every picture decodes, every JSON reads, and no part of a file is left."""
    import json

    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert path.suffix in (".png", ".json"), path
        if path.suffix == ".json":
            json.loads(path.read_text())
        else:
            with Image.open(path) as image:
                image.load()


@MODES
def test_a_kill_leaves_whole_files(mode, tmp_path):
    """kill -9 while it writes: what has a name is whole (a hidden .part may be left; no later run trips over it)."""
    inputs = [good(tmp_path / "in" / f"{i}.png") for i in range(40)]
    how = ["--photos", "--detector", "embedded", "--scale", "2"] if mode == "photos" else ["--cropped"]
    model = ["--model", any_model()] if any_model() else []
    out = tmp_path / "out"
    command = [sys.executable, "-c", CHILD, "0", "upscale", *how, *model, *map(str, inputs), "-o", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and not (out.exists() and len(files(out)) > 2):
        time.sleep(0.002)
    process.kill()
    process.wait()
    for part in out.rglob("*.part"):
        part.unlink()
    _whole(out)
    assert child(0, mode, *inputs, "-o", out, "--overwrite").returncode == 0
    assert {f"{i}.png" for i in range(40)} <= set(files(out))


def test_sigterm_leaves_nothing_half_written(tmp_path):
    inputs = [good(tmp_path / "in" / f"{i}.png") for i in range(200)]
    model = ["--model", any_model()] if any_model() else []
    out = tmp_path / "out"
    how = ["--photos", "--detector", "embedded", "--scale", "2"]
    command = [sys.executable, "-c", CHILD, "0", "upscale", *how, *model, *map(str, inputs), "-o", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and not (out.exists() and len(files(out)) > 8):
        time.sleep(0.002)
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert process.returncode == 143 and "Traceback" not in said
    _whole(out)  # no .part either


def test_what_a_killed_run_left_is_removed_by_a_later_one(upscale, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    out.mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    old, young, alive, other = (out / f".{name}.part" for name in (
        f"{gone.pid}-00112233", f"{gone.pid}-44556677", f"{os.getpid()}-00112233", "mine"
    ))  # fmt: skip
    for path in (old, young, alive, other):
        path.write_bytes(b"half")
    for path in (old, alive, other):
        os.utime(path, (time.time() - 7200,) * 2)
    assert upscale("cropped", good(tmp_path / "a.png"), "-o", out).status == 0
    assert sorted(path.name for path in out.glob(".*")) == sorted(path.name for path in (young, alive, other))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("where", ["full", "nobody reads"])
def test_standard_output_that_takes_nothing(where, tmp_path):
    """The results are there; what could not be said is no traceback."""
    model = ["--model", any_model()] if any_model() else []
    given = ["upscale", "--cropped", str(good(tmp_path / "a.png")), *model, "-o", str(tmp_path / "out")]
    command = [sys.executable, "-c", CHILD, "0", *given]
    if where == "full":
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        status, said = ran.returncode, ran.stderr
        assert "No space left on device" in said
    else:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.close()
        said = process.stderr.read()
        status = process.wait(60)
    assert status and "Traceback" not in said, said
    assert "a.png" in files(tmp_path / "out")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file/x", "file: is a file"),
        ("file/x/y.jpg", "file: is a file"),
        ("y" * 300, "File name too long; -o names another place"),
        ("y" * 254 + ".jpg", "File name too long"),
        ("result.bmp", "result.bmp: names a file; .*a file for one photo: .*\\.png"),
        ("result.mp4", "names a file"),
    ],
)
def test_a_place_for_no_results_is_named_before_the_work(place, said, faceprior, tmp_path):  # noqa: F811
    (tmp_path / "a.png").write_bytes(saved(RGB, "PNG"))
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    ran = faceprior("upscale", tmp_path / "a.png", "-o", tmp_path / place, "--photos")
    assert ran.status == 2 and re.search(said, ran.err) and ran.err.count("\n") == 1 and not ran.out
    assert sorted(tmp_path.iterdir()) == before


def test_faces_cut_out_do_not_go_into_a_folder_called_as_a_picture(faceprior, tmp_path):  # noqa: F811
    (tmp_path / "a.png").write_bytes(saved(RGB, "PNG"))
    ran = faceprior("upscale", "--cropped", tmp_path / "a.png", "-o", tmp_path / "face.png")
    assert ran.status == 2 and "face.png: names a file; -o names a folder\n" in ran.err
    (tmp_path / "face.png").mkdir()  # unless there is one
    assert faceprior("upscale", "--cropped", tmp_path / "a.png", "-o", tmp_path / "face.png").status == 0
