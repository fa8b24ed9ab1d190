"""Every promise of docs/promises.md tried, and counted.

    python benchmarks/promises.py [--with PYTHON]

Runs the tests that hold the promises, one group after the other, and prints for each how many cases were tried,
held, lost and skipped. `--with PYTHON`: the interpreter of another environment, as one with the lower bounds of the
base dependencies (constraints-min.txt); the groups that need no PyTorch run there instead, with the model that
$FACEPRIOR_TEST_MODEL names or the packaged one. Exit status 1 where something was lost. The full count of kills
is `benchmarks/faults.py`, the light install is `benchmarks/install.py`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# what is counted -> (tests, whether they need PyTorch)
GROUPS = {
    "images: crafted files, both ways": (["tests/exception/test_crafted_images.py"], False),
    "images: decoder": (["tests/exception/test_decode_errors.py", "tests/feature/test_decode.py"], False),
    "images: names, places, disks, two runs": (["tests/exception/test_places.py"], False),
    "images: broken at random": (["tests/property/test_broken_files.py", "tests/property/test_decode_properties.py"],
                                 False),
    "images: what is a face, turned, grey, toned": (
        ["tests/feature/test_what_is_a_face.py", "tests/feature/test_turned.py", "tests/feature/test_tint.py",
         "tests/feature/test_second_opinion.py"],
        True,
    ),
    "images: opened pictures, metadata": (
        ["tests/feature/test_opened_pictures.py", "tests/feature/test_metadata.py"], True),
    "images: what the command says and does": (["tests/run/test_photo_commands.py"], False),
    "clips": (
        ["tests/run/test_video.py", "tests/run/test_clip_tracks.py", "tests/run/test_clip_pictures.py",
         "tests/run/test_clip_faces.py", "tests/property/test_broken_clips.py", "tests/feature/test_hdr_curve.py"],
        True,
    ),
    "weights and shards": (["tests/exception/test_weights_files.py", "tests/exception/test_model_errors.py"], True),
    "prepare": (["tests/exception/test_prepare_errors.py"], True),
    "the one download": (["tests/exception/test_detector_weights.py"], False),
    "no network": (["tests/smoke/test_no_network.py"], False),
    "determinism": (["tests/feature/test_determinism.py"], True),
    "light import": (["tests/smoke/test_light_import.py"], True),
    "many images: the parts of the Ray engine": (
        ["tests/feature/test_bulk_parts.py", "tests/exception/test_bulk_errors.py"],
        True,
    ),
    "the server: a flood, bad requests": (["tests/run/test_web_flood.py", "tests/run/test_web.py"], True),
    "training under faults": (["tests/run/test_train_faults.py"], True),
}  # fmt: skip


def counted(python: str, tests: list[str]) -> dict[str, int]:
    """tried, lost, skipped."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
        path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
        if not report.exists():
            sys.exit(f"pytest did not run:\n{done.stdout}{done.stderr}")
        suite = ElementTree.parse(report).getroot().find("testsuite")
    numbers = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    for case in suite.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            print(f"  lost: {case.get('classname')}::{case.get('name')}")
    lost = numbers["failures"] + numbers["errors"]
    return {"tried": numbers["tests"] - numbers["skipped"], "lost": lost, "skipped": numbers["skipped"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--with", dest="other", metavar="PYTHON", help="what needs no PyTorch, by this interpreter")
    a = parser.parse_args()
    lost = 0
    print(f"{'':<42}{'tried':>7}{'held':>7}{'lost':>7}{'skipped':>9}")
    for name, (tests, needs_torch) in GROUPS.items():
        if a.other and needs_torch:
            continue
        n = counted(a.other or sys.executable, tests)
        lost += n["lost"]
        print(f"{name:<42}{n['tried']:>7}{n['tried'] - n['lost']:>7}{n['lost']:>7}{n['skipped']:>9}", flush=True)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
