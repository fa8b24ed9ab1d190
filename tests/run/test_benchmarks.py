"""The benchmarks of speed run, and count what they say they count. Small models, few rounds: no figure is judged."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from random_models import small_onnx, small_safetensors

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_rounds_compare_within_themselves():
    from timing import Times

    # Twice as long in every round, while the machine gets ten times as slow: the ratio does not see it.
    times = Times({"a": [2.0, 20.0, 200.0], "b": [1.0, 10.0, 100.0]})
    assert times.ratio("a", "b") == 2
    assert (times.median("a"), times.best("a")) == (20, 2)


def test_operations_counted_in_the_graph_are_pytorchs(tmp_path):
    """The count for outside models, on a graph as PyTorch has it, against PyTorch's own count."""
    from candidates import _counted, find

    from faceprior.networks.export import export_onnx
    from faceprior.networks.weights import load_model

    weights = small_safetensors(stacks=2)
    export_onnx(load_model(weights), tmp_path / "plain.onnx", {"format": 1}, fp16=False, rewrites=())
    ours = find(str(weights), tmp_path)
    gflop, parameters = _counted(tmp_path / "plain.onnx")
    assert ours.gflop > 0.001
    # The graph leaves out nothing that counts; BatchNorm's parameters are folded away.
    assert gflop == pytest.approx(ours.gflop, rel=0.01)
    assert parameters == pytest.approx(ours.parameters, rel=0.1)


def test_what_all_faces_have_in_common_is_told_and_taken_out():
    import numpy as np
    from alignment import leaning

    from faceprior.evaluation.stn import score_transforms

    def similarity(angle, scale, x, y):
        c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
        return np.array([[c, -s, x / 64], [s, c, y / 64], [0, 0, 1]])

    rng = np.random.default_rng(0)
    true = np.stack([similarity(*rng.uniform((-45, 0.8, -9, -9), (45, 1.2, 9, 9))) for _ in range(40)])
    located = (true @ similarity(2.0, 1.03, 1.5, -0.5))[:, :2]
    common, rest = leaning(located, true[:, :2])
    assert common == pytest.approx((2.0, 1.5, -0.5))
    assert score_transforms(located, true[:, :2])["stn_pixels"].min() > 1.5
    assert score_transforms(rest, true[:, :2])["stn_pixels"].max() < 1e-6


def test_errors_of_an_stn_are_told_by_source(monkeypatch, capsys, tiny_shards):
    import alignment

    command = ["alignment.py", "--data", str(tiny_shards), "--model", str(small_safetensors()), "--protocols", "paper"]
    monkeypatch.setattr(sys, "argv", [*command, "--by", "source", "--leaning"])
    alignment.main()
    said = capsys.readouterr().out
    assert "px of 128" in said and "| all |" in said and "px off | without that" in said


@pytest.mark.parametrize("arguments", [["--runtimes", "onnx,torch"], ["--layers", "--batch", "2"]])
def test_inference(monkeypatch, capsys, arguments):
    import inference
    import peaks

    for name, value in {"SIDE": 64, "CHANNELS": 16, "PIXELS": 8, "PICTURES": 1}.items():
        monkeypatch.setattr(peaks, name, value)
    outside = [] if "--layers" in arguments else ["--onnx", str(small_onnx(heb=32))]
    command = ["inference.py", str(small_safetensors()), *outside, "--threads", "1", "--seconds", "0.01"]
    command += [*arguments, "--calls", "1,16,17"]
    monkeypatch.setattr(sys, "argv", command)
    inference.main()
    said = capsys.readouterr().out
    if "--layers" in arguments:
        assert "GridSample" in said
    else:
        assert "peak of onnx, convolution" in said
        assert "outside model" in said
        assert [line.split()[0] for line in said.splitlines() if line.startswith(("onnx ", "torch "))] == [
            "onnx",
            "torch",
            "onnx",
        ]


@pytest.mark.parametrize("script", ["inference", "levers", "training_speed"])
def test_cpu_time_of_many_threads_is_refused(script):
    needed = ["--data", "nowhere"] if script == "training_speed" else []
    command = [sys.executable, str(BENCHMARKS / f"{script}.py"), "--clock", "cpu", "--threads", "2", *needed]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--threads 1" in done.stderr


def test_a_training_step_is_timed(monkeypatch, capsys, tiny_shards):
    import training_speed

    command = [
        "training_speed.py",
        "--data",
        str(tiny_shards),
        "--preset",
        "tiny",
        "--device",
        "cpu",
        "--seconds",
        "0.1",
    ]
    monkeypatch.setattr(sys, "argv", command)
    training_speed.main()
    said = capsys.readouterr().out
    assert "bf16, channels-last, its pairs made too" in said
    assert "convolution, matrix product" in said


def test_harms_are_measured_against_the_truth(monkeypatch, capsys, tiny_shards):
    import rough_inputs

    command = ["rough_inputs.py", "--data", str(tiny_shards), "--model", "default", str(small_onnx()), "--faces", "6"]
    monkeypatch.setattr(sys, "argv", command)
    rough_inputs.main()
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if " / " in line and "|" in line]
    assert [row[0].strip() for row in rows] == list(rough_inputs.HARMS)
    psnr = {row[0].strip(): [float(cell.split("/")[1]) for cell in row[1:]] for row in rows}
    assert psnr["none"][0] > psnr["none"][1] + 3  # the trained one
    assert psnr["none"][0] > psnr["jpeg 90"][0] - 0.2  # six drawn faces, of which JPEG 90 takes next to nothing
    assert psnr["jpeg 90"][0] > psnr["jpeg 50"][0]


def test_what_two_models_share_of_their_errors(monkeypatch, capsys, tiny_shards):
    import shared_error

    def said(*models):
        monkeypatch.setattr(sys, "argv", ["shared_error.py", "--data", str(tiny_shards), "--model", *map(str, models)])
        shared_error.main()
        return capsys.readouterr().out

    assert ", 100 %;" in said("default", "default")
    assert ", 100 %;" not in said("default", small_onnx())


PARAM = """7767517
6 7
Input data 0 1 picture
Convolution first 1 1 picture a 0=4 1=3 4=1 5=1 6=108
Split two 1 2 a a0 a1
MemoryData constant 0 1 c 0=1
BinaryOp add 2 1 a0 c a2 0=0
Interp larger 1 1 a2 b 0=1 1=2.0 2=2.0
Convolution last 1 1 b d 0=12 1=3 4=1 5=1 6=432
PixelShuffle shuffle 1 1 d out 0=2
"""


def test_a_peer_is_read_from_its_file(tmp_path):
    from ncnn_param import Graph, read

    path = tmp_path / "x4.param"
    path.write_text(PARAM)
    assert read(path) is None  # a1 is left over: two results
    path.write_text(PARAM.replace("1 2 a a0 a1", "1 1 a a0"))
    assert read(path) == Graph(given="picture", made="out", times=4.0, products=108 + 4 * 432)
    path.write_text(PARAM.replace("7767517", "7767518"))
    assert read(path) is None


def test_only_peers_that_enlarge_so_much_join(tmp_path):
    import peers

    for name in ("models-A/x4", "models-B/x4", "plain", "plain-anime", "without"):
        path = tmp_path / f"{name}.param"
        path.parent.mkdir(exist_ok=True)
        path.write_text(PARAM.replace("1 2 a a0 a1", "1 1 a a0"))
        if name != "without":
            path.with_suffix(".bin").touch()
    names = lambda *rest: [peers.name_of(path) for path, _ in peers.enlarging(tmp_path, *rest)]  # noqa: E731
    assert names([4]) == ["models-A x4", "models-B x4", "plain"]  # each under a name of its own
    assert names([4], ["b X4"]) == ["models-B x4"]
    assert names([2]) == []


def test_peers_are_held_against_the_truth(monkeypatch, capsys, tiny_shards):
    import peers

    command = ["peers.py", "--data", str(tiny_shards), "--models", str(small_onnx()), "--canvas", "packaged"]
    command += ["--faces", "4", "--sizes", "12", "20", "--quality", "75", "--by-set", "--memory"]
    monkeypatch.setattr(sys, "argv", command)
    peers.main()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    canvas = [row for row in rows if row and row[0] == "canvas"]
    assert len(canvas) == 2
    assert [row[7] for row in canvas] == ["0.14", "0.40"]  # GFLOP
    assert sum(row[0].endswith(", 4") for row in rows if row) == 2 * 4  # each system in the one set
    models = ["standard", "photo:standard", f"photo:{small_onnx()}", str(small_onnx())]
    monkeypatch.setattr(sys, "argv", [*command[: command.index("75")], "0", "75", "--models", *models])
    peers.main()
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split("|")[1:4] for line in printed if "standard" in line or ".onnx" in line]
    assert len(rows) == 4 * 2 * 2  # models, sizes, qualities
    for cut, in_its_pixels, small_in_photo, small in zip(*(rows[k::4] for k in range(4)), strict=True):
        assert in_its_pixels[0].strip() == "photo:standard" and cut[1] != in_its_pixels[1]
        assert small_in_photo[1:] == small[1:]  # it takes one size
    for size in (12, 16, 20, 24, 32, 48):  # what surrounds a face is whole pixels of its LR
        assert peers._surroundings(size) * size % peers.HR == 0 < peers._surroundings(size)


def test_the_time_of_a_clip_is_told_by_its_parts(monkeypatch, capsys):
    pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")
    import clip

    from faceprior.photo.hog import HogDetector

    monkeypatch.setattr(clip, "make_detector", lambda *args, **options: HogDetector())
    monkeypatch.setattr(sys, "argv", ["clip.py", "--frames", "2", "--rounds", "1"])
    clip.main()
    said = capsys.readouterr().out
    for part in ("decode", "detect", "network", "paste", "encode"):
        assert f"{part:>20} " in said
    assert float(said.splitlines()[-1].split(": ")[1].split()[0]) > 1  # a pass of its own, and more


def test_a_panned_clip_is_told_by_its_gain(monkeypatch, capsys):
    pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")
    import panned

    from faceprior.photo.boxes import Detection

    def detector(rgb):
        height, width = rgb.shape[:2]
        return [Detection((0.45 * width, 0.3 * height, 0.06 * width, 0.06 * width), 0.9)]

    monkeypatch.setattr(panned, "make_detector", lambda **options: detector)
    command = ["panned.py", "--model", str(small_onnx()), "--frames", "7", "--pans", "1", "--shake", "2"]
    monkeypatch.setattr(sys, "argv", command)
    panned.main()
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("pan 1 px a frame: ") and "1 faces followed, restored in 100% of frames" in first
    assert second.startswith("pan 1 px a frame, shaken by 2 px: ")


@pytest.mark.parametrize("script", ["photo", "clip"])
def test_without_a_face_there_is_no_cost_of_one(monkeypatch, tmp_path, script):
    if script == "clip":
        pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")
    from PIL import Image

    benchmark = importlib.import_module(script)
    monkeypatch.setattr(benchmark, "make_detector", lambda *args, **options: lambda rgb: [])
    path = tmp_path / "grey.png"
    Image.new("RGB", (240, 120), (128, 128, 128)).save(path)
    more = ["--frames", "2"] if script == "clip" else ["--canvas", "lanczos"]
    monkeypatch.setattr(sys, "argv", [f"{script}.py", str(path), "--rounds", "1", *more])
    with pytest.raises(SystemExit) as stopped:
        benchmark.main()
    said = str(stopped.value.code)  # a text: Python prints it and exits with 1
    assert "no face restored" in said and str(path) in said and "\n" not in said


def test_whole_passes_are_of_faces_of_one_size_and_network():
    """A photo's faces have as many sizes as they have; a call takes one."""
    from types import SimpleNamespace

    import numpy as np
    from photo import whole_passes

    seen = []

    def model(name):
        made = lambda lr: seen.append((name, lr.shape))  # noqa: E731
        made.info, made.larger = SimpleNamespace(name=name), None
        return made

    upscaler = model("small")
    upscaler.larger = model("large")
    faces = [("small", 12), ("large", 30), ("small", 14), ("small", 12)]
    faces = [SimpleNamespace(network=name, lr=np.zeros((n, n, 3), np.uint8)) for name, n in faces]
    whole_passes(upscaler, faces)
    assert sorted(seen) == [("large", (1, 30, 30, 3)), ("small", (1, 14, 14, 3)), ("small", (2, 12, 12, 3))]


def test_how_much_a_photo_was_sharpened_is_fitted_to_what_its_spectrum_says(capsys):
    from importlib.resources import files

    import numpy as np
    import sharpened
    from PIL import Image

    from faceprior.dataset.rough import sharpen
    from faceprior.photo.sharpened import FINE, MIDDLE, Sharpening, describe

    photo = Image.open(files("faceprior") / "assets/astronauts.jpg").convert("RGB")
    pixels = np.clip(np.asarray(photo), 60, 190)
    for amount, radius in ((0.6, 1.0), (1.5, 0.8)):
        for frequency in (FINE, MIDDLE):
            found = sharpened.gain_at(sharpen(pixels, amount, radius), pixels, frequency)
            assert found == pytest.approx(np.log2(Sharpening(amount, radius).gain(frequency)), abs=0.08)
    faces = sharpened.whole([np.asarray(photo)[y : y + 224, 100:324] for y in (20, 100)])
    assert len(faces) == 2 and not sharpened.whole([np.repeat(faces[0][:1], 224, 0)])
    weights = sharpened.fit([photo], [Image.fromarray(face) for face in faces], [photo], samples=40, epochs=2)
    assert {len(weights[name]) for name in ("mean", "deviation", "a")} == {len(describe(pixels))}
    assert weights["out_bias"].shape == (2,) and all(np.isfinite(array).all() for array in weights.values())
    sharpened.found_in([photo], [0.0, 1.5])
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "bicubic, sharpened by 0: clean 0%: 0.00 0.00 0.00 0.00" in line]


def test_soft_photos_are_told_from_enlarged_ones(capsys, group, small):
    import numpy as np
    import softened
    from PIL import Image

    softened.found_in([group], [0.0, 0.8])
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("sigma 0: clean 0%")] and "sigma 0.8: clean 100%" in said[-1]
    flat = np.full((12, 14, 3), (200, 90, 40), np.float32)
    assert (softened.demosaiced(flat) == flat).all()
    whole = np.asarray(group)
    faces = [whole[y : y + 224, 100:324] for y in (20, 100)]
    weights = softened.fit([group], [Image.fromarray(face) for face in faces], [group], samples=24, epochs=2)
    assert weights["out_bias"].shape == (1,) and all(np.isfinite(array).all() for array in weights.values())
    made = softened.Group(faces, 24, 1)
    pictures = {name: make(made)[0] for name, make in softened.STATES.items()}
    assert {picture.shape for picture in pictures.values()} == {made.photo.shape}
    assert all((picture != made.photo).any() for picture in pictures.values())


def test_how_strongly_a_picture_was_compressed_is_fitted_to_the_jpeg_that_is_as_far(capsys, group, small):
    import numpy as np

    pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")
    import compressed

    from faceprior.dataset.rough import jpeg
    from faceprior.photo.compressed import describe
    from faceprior.photo.quality import told_quality
    from faceprior.runtime.canvas import load_canvas

    assert compressed.as_jpeg(small, small) == 0
    for quality in (90, 60):
        assert compressed.as_jpeg(jpeg(small, quality), small) == pytest.approx(told_quality(quality), abs=0.02)
    still = [compressed.as_jpeg(compressed.compressed(small, "x264", crf), small) for crf in (15, 25, 35)]
    assert 0 < still[0] < still[1] < still[2]
    weights = compressed.fit([group], [group], [group], samples=40, epochs=2)
    assert {len(weights[name]) for name in ("mean", "deviation", "a")} == {len(describe(small, 0.0))}
    assert weights["out_bias"].shape == (1,) and all(np.isfinite(array).all() for array in weights.values())
    compressed.found_in([group], load_canvas())
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("clean : 0%: 100 100 100 100 (100); +0.00, +0.00, +0.00")]


def test_what_became_of_cut_faces_is_fitted_to_what_was_done(group):
    import numpy as np

    pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")
    import cut_state
    from PIL import Image

    from faceprior.photo.cutstate import describe

    face = np.asarray(group)[100:324, 100:324]
    seen, truth = cut_state.gather(12, 1, [face])
    again, _ = cut_state.gather(12, 1, [face])
    assert seen.shape == (12, len(describe(face[:32, :32], 0.0))) and truth.shape == (12, 3)
    assert np.isfinite(seen).all() and np.isfinite(truth).all() and (truth[:, 2] >= 0).all()
    assert [len(row) for row in again] == [len(row) for row in seen]

    class Face:
        looks, transform = 1, np.array([[1.0, 0, 0], [0, 1.0, 0]])
        image = face[48:176, 48:176]

    moved = np.asarray(Image.fromarray(face).transform((224, 224), Image.Transform.AFFINE, (1, 0, 1, 0, 1, 0)))
    assert cut_state.psnr(Face(), moved) < 30
    Face.transform = np.array([[1.0, 0, 1 / 64], [0, 1.0, 0]])
    Face.image = moved[48:176, 48:176]
    assert cut_state.psnr(Face(), face + (face < 255)) > 45  # off by a level


def test_what_soft_faces_gain_is_fitted_to_what_the_network_makes_of_them(monkeypatch, capsys, group):
    import numpy as np

    pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")
    import soft_faces

    from faceprior.photo.cutstate import RAISED

    face = np.asarray(group)[100:324, 100:324]
    monkeypatch.setattr("cut_state.LARGEST", 40)
    monkeypatch.setattr(soft_faces, "CAUSES", 1)
    weights = soft_faces.fit([face], [face], samples=6)
    assert weights["softface"]["out_bias"].shape == (2,) and weights["raising"]["out_bias"].shape == (len(RAISED),)
    assert len(weights["raising"]["mean"]) == len(weights["softface"]["mean"]) + 2
    assert all(np.isfinite(array).all() for of in weights.values() for array in of.values())
    assert "as told" in capsys.readouterr().out
    kept, good, found, sigma = soft_faces.gained(face, 48, soft_faces.STATES["soft by 0"], soft_faces.load())
    assert np.isnan(kept) or (kept == good and not found and sigma == 0)
    pictures = {name: make(face, 84)[0] for name, make in soft_faces.STATES.items()}
    assert {picture.shape for picture in pictures.values()} == {(84, 84, 3)} and len(pictures) == 15


def test_faces_gain_around_as_on_the_whole_canvas(monkeypatch, capsys):
    from importlib.resources import files

    import around
    import numpy as np
    from PIL import Image

    portrait = Image.open(files("faceprior") / "assets/astronaut.jpg").convert("RGB")
    face = portrait.resize((224, 224), Image.Resampling.BICUBIC, box=(43, 1, 276, 234))
    monkeypatch.setattr(around, "validation_faces", lambda folder, count: [np.asarray(face)])
    monkeypatch.setattr(sys, "argv", ["around.py", "--faces", ".", "--sizes", "16", "--states", "clean"])
    around.main()
    gains = [float(v) for v in capsys.readouterr().out.splitlines()[-1].split(": ")[1].split(";")[0].split(",")]
    assert gains[1] == pytest.approx(gains[2], abs=0.05) and gains[1] > gains[0]
