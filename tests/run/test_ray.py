"""`faceprior upscale --engine ray` on a local Ray with two CPUs: whole runs, killed workers, killed drivers, S3."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

ray = pytest.importorskip("ray", reason="needs faceprior[ray]")
pytest.importorskip("ray.data")

from cut_faces import restored  # noqa: E402
from PIL import Image  # noqa: E402
from random_models import small_onnx, smooth_faces  # noqa: E402

pytestmark = pytest.mark.timeout(600)  # Ray starts a dozen processes; on a busy machine that takes its time
CLI = "import sys; from faceprior.cli.app import main; main()"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A Ray of two CPUs that outlives its drivers -> the environment that leads to it."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    quiet["RAY_worker_niceness"] = "0"  # else 15, and beside other work hardly anything moves
    os.environ |= quiet
    # Ray's sockets lie in here, and their paths may not be long.
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        context = ray.init(
            address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, _temp_dir=folder,
            log_to_driver=False, logging_level="ERROR",
        )  # fmt: skip
        address = context.address_info["gcs_address"]
        yield {**os.environ, "RAY_ADDRESS": address}
        ray.shutdown()


def command(*arguments) -> list[str]:
    return [sys.executable, "-c", CLI, "upscale", "--engine", "ray", "--model", str(small_onnx()), *map(str, arguments)]


def run(cluster, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run(command(*arguments), capture_output=True, text=True, env=cluster, timeout=500)


def faces(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for i, face in enumerate(smooth_faces(count)):
        Image.fromarray(face).resize((32, 32), Image.Resampling.BICUBIC).save(folder / f"{i:05d}.png")
    return folder


def snapshot(out: Path) -> dict[str, tuple[int, int]]:
    """Each result's inode and time: a second writing changes both."""
    found = {}
    for path in out.glob("*.png"):
        stat = path.stat()
        found[path.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def wait_for(out: Path, count: int, process: subprocess.Popen) -> dict[str, tuple[int, int]]:
    deadline = time.monotonic() + 300
    while len(found := snapshot(out)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def right(source: Path, out: Path, names: list[str]) -> None:
    from faceprior.photo.decode import read_image
    from faceprior.runtime.upscaler import load

    wanted = restored(load(small_onnx(), threads=1), [read_image(source / name) for name in names])
    for name, expected in zip(names, wanted, strict=True):
        written = np.asarray(Image.open(out / name).convert("RGB")).astype(int)
        assert np.abs(written - expected).max() <= 1, name


def test_a_tree_by_command_then_nothing_more_to_do(cluster, tmp_path):
    source = faces(tmp_path / "in", 20)
    faces(source / "deep" / "er", 5)
    (source / "deep" / "bad.jpg").write_bytes(b"no")
    out = tmp_path / "out"
    done = run(cluster, source, tmp_path / "gone", "-r", "--cropped", "-o", out)
    assert done.returncode == 1, done.stderr
    assert "25 images done, 0 skipped, 2 failed" in done.stdout
    assert done.stderr.splitlines() == [
        f"failed: {tmp_path / 'gone'}: no such file or folder",
        f"failed: {source / 'deep' / 'bad.jpg'}: not an image that Pillow reads",
    ]
    listed = [json.loads(line) for line in (out / "_faceprior/failed/00000.jsonl").read_text().splitlines()]
    assert [line["input"] for line in listed] == [str(tmp_path / "gone"), str(source / "deep" / "bad.jpg")]
    assert len(list(out.rglob("*.png"))) == 25
    right(source, out, [f"{i:05d}.png" for i in range(20)])
    assert not list(out.rglob("*.part"))

    first = snapshot(out)
    (source / "deep" / "bad.jpg").unlink()
    again = run(cluster, f"file://{source}", "-r", "--cropped", "-o", f"file://{out}")
    assert again.returncode == 0, again.stderr
    assert "0 images done, 25 skipped, 0 failed" in again.stdout
    assert snapshot(out) == first
    assert not list((out / "_faceprior").rglob("failed/*"))

    anew = run(cluster, source, "-r", "--cropped", "--overwrite", "-o", out)
    assert "25 images done, 0 skipped" in anew.stdout
    assert not first.items() & snapshot(out).items()


def test_an_archive_through_fsspec(cluster, tmp_path):
    source, archive = faces(tmp_path / "in", 12), tmp_path / "faces.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in source.iterdir():
            file.write(path, f"deep/{path.name}")
    out = tmp_path / "out"
    done = run(cluster, f"zip://::file://{archive}", "-r", "--cropped", "--json", "-o", f"file://{out}")
    assert done.returncode == 0, done.stderr
    right(source, out / "deep", [path.name for path in source.iterdir()])
    lines = [json.loads(x) for p in (out / "_faceprior/faces").iterdir() for x in p.read_text().splitlines()]
    assert sorted(line["image"] for line in lines) == [f"deep/{i:05d}.png" for i in range(12)]


def workers_at_work() -> list[int]:
    """The processes of this cluster that hold a Restorer."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::MapWorker" in (folder / "cmdline").read_bytes() and _descends(int(folder.name), os.getpid()):
                found.append(int(folder.name))
        except OSError:  # it has ended
            continue
    return found


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid == ancestor


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the worker by /proc")
def test_a_killed_worker_costs_nothing_and_every_image_is_written_once(cluster, tmp_path):
    count = 800
    source, out = faces(tmp_path / "in", count), tmp_path / "out"
    process = subprocess.Popen(
        command(source, "--cropped", "-o", out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cluster
    )
    before = wait_for(out, 40, process)
    victims = workers_at_work()
    assert victims
    os.kill(victims[0], signal.SIGKILL)
    seen: dict[str, set[tuple[int, int]]] = {name: {state} for name, state in before.items()}
    while process.poll() is None:  # every writing that can be seen
        for name, state in snapshot(out).items():
            seen.setdefault(name, set()).add(state)
        time.sleep(0.02)
    said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert f"{count} images done, 0 skipped, 0 failed" in said
    for name, state in snapshot(out).items():
        seen.setdefault(name, set()).add(state)
    assert len(before) < count  # it died in the middle
    assert sorted(seen) == sorted(path.name for path in source.iterdir())
    assert all(len(states) == 1 for states in seen.values())  # once
    right(source, out, sorted(seen))
    assert not list((out / "_faceprior" / "attempts").iterdir())


def test_a_killed_driver_loses_nothing(cluster, tmp_path):
    count = 800
    source, out = faces(tmp_path / "in", count), tmp_path / "out"
    process = subprocess.Popen(
        command(source, "--cropped", "-o", out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cluster
    )
    wait_for(out, 40, process)
    process.kill()
    process.communicate()
    before, still = snapshot(out), -1
    while len(before) > still:  # its workers end with it, soon
        still = len(before)
        time.sleep(1)
        before = snapshot(out)
    assert len(before) < count
    again = run(cluster, source, "--cropped", "-o", out)
    assert again.returncode == 0, again.stderr
    assert f"{count - len(before)} images done, {len(before)} skipped, 0 failed" in again.stdout
    after = snapshot(out)
    assert len(after) == count
    assert before.items() <= after.items()
    right(source, out, sorted(after))


DEADLY = """
import os, signal, sys
from faceprior.bulk import restorer, run
class Deadly(run.Restorer):
    def _load(self, chunk, file):
        if file[0] == "00003.png":
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._load(chunk, file)
run.Restorer = Deadly
from faceprior.cli.app import main
main()
"""


def test_an_image_that_kills_its_worker_is_given_up_and_stops_nothing(cluster, tmp_path):
    source, out = faces(tmp_path / "in", 30), tmp_path / "out"
    arguments = [sys.executable, "-c", DEADLY, *command(source, "--cropped", "-o", out)[3:]]
    done = subprocess.run(arguments, capture_output=True, text=True, env=cluster, timeout=500)
    assert done.returncode == 1, done.stderr
    assert "29 images done, 0 skipped, 1 failed" in done.stdout
    assert done.stderr == f"failed: {source / '00003.png'}: 3 workers died while they were at it\n"
    assert len(snapshot(out)) == 29


@pytest.fixture(scope="module")
def s3():
    """An S3 on this machine -> (a client, the variables that lead there, the requests it had)."""
    pytest.importorskip("moto.server", reason="needs moto[server]")
    import boto3
    from moto.server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    requests: list[str] = []
    WSGIRequestHandler.log_request = lambda handler, *_: requests.append(f"{handler.command} {handler.path}")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    client = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id="a",
        aws_secret_access_key="b",
    )  # fmt: skip
    client.create_bucket(Bucket="faces")
    yield client, {**keys, **region}, f"endpoint_override={host}:{port}&scheme=http", requests
    server.stop()


def test_s3_to_s3(cluster, s3, tmp_path):
    client, variables, query, requests = s3
    source = faces(tmp_path / "in", 20)
    for path in source.iterdir():
        client.put_object(Bucket="faces", Key=f"in/part/{path.name}", Body=path.read_bytes())
    client.put_object(Bucket="faces", Key="in/bad.png", Body=b"no")
    address = [f"s3://a:b@faces/{name}?{query}" for name in ("in", "out")]
    requests.clear()
    done = run({**cluster, **variables}, address[0], "-r", "--cropped", "-o", address[1])
    assert done.returncode == 1, done.stderr
    assert done.stderr == "failed: s3://faces/in/bad.png: not an image that Pillow reads\n"
    assert "20 images done" in done.stdout
    puts = [line for line in requests if line.startswith(("PUT", "POST")) and line.endswith(".png")]
    assert len(puts) == 20  # one request an image, whole or not at all
    out = tmp_path / "fetched"
    out.mkdir()
    for path in source.iterdir():
        client.download_file("faces", f"out/part/{path.name}", str(out / path.name))
    right(source, out, [path.name for path in source.iterdir()])

    requests.clear()
    again = run({**cluster, **variables}, address[0], "-r", "--cropped", "-o", address[1])
    assert "0 images done, 20 skipped, 1 failed" in again.stdout
    assert not [line for line in requests if line.startswith("GET") and ".png" in line and "bad" not in line]
