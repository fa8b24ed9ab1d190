"""The canvas network over Lanczos, in dB, beside SPAN as published: whole photos, faces in their boxes, time, seams.

    python benchmarks/canvas.py --photos FOLDER [FOLDER ...] [--span span-x4.safetensors] [--canvas FILE] [--faces]
        [--speed] [--backend onnx] [--threads 2]

A photo is reduced by Pillow's BICUBIC, perhaps stored as a JPEG (4:2:0), enlarged again and compared with itself. A
folder may hold `boxes.json` with the faces of its photos (`--faces`: the whole pipeline at twice, PSNR in the boxes).
Without --canvas the packaged network is measured.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from faceprior.dataset.rough import jpeg
from faceprior.photo.boxes import as_detections
from faceprior.photo.canvas import paint
from faceprior.photo.decode import DecodedImage
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.runtime.canvas import CanvasNetwork, load_canvas

SCALES, QUALITIES = (4, 3, 2), (None, 90, 75, 50)
WAYS = ("lanczos", "span", "ours")
MACS = 497_068  # multiplications of the network a pixel of the input

Array = np.ndarray


def psnr(a: Array, b: Array) -> float:
    return 10 * np.log10(255**2 / max(float(np.mean((a.astype(np.float64) - b) ** 2)), 1e-9))


def photos_of(folders: list[Path]) -> dict[Path, Array]:
    """The truth of each photo, cut to sides that 12 divides."""
    found = sorted(p for f in folders for p in f.iterdir() if p.suffix.lower() in (".jpg", ".png"))
    return {p: _cut(np.asarray(Image.open(p).convert("RGB"))) for p in found}


def _cut(rgb: Array) -> Array:
    return rgb[: rgb.shape[0] // 12 * 12, : rgb.shape[1] // 12 * 12]


def reduced(rgb: Array, scale: int, quality: int | None) -> DecodedImage:
    """As it would be decoded from its file."""
    size = (rgb.shape[1] // scale, rgb.shape[0] // scale)
    small = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))
    return DecodedImage(small if quality is None else jpeg(small, quality), quality=quality)


def networks(canvas: Path | None, span: Path | None, **running) -> dict[str, CanvasNetwork | None]:
    made: dict[str, CanvasNetwork | None] = {"lanczos": None}
    if span is not None:
        from faceprior.networks.canvas import Canvas
        from faceprior.networks.canvas_export import export_canvas

        public = Canvas()
        public.take_span(span)
        with tempfile.TemporaryDirectory() as folder:
            export_canvas(public, Path(folder) / "span.onnx", {"format": 1})
            made["span"] = load_canvas(Path(folder) / "span.onnx", **running)
    made["ours"] = load_canvas(canvas, **running)
    return made


def enlarged(picture: DecodedImage, scale: int, network: CanvasNetwork | None) -> Array:
    kind = "lanczos" if network is None else "network"
    return np.asarray(paint(picture.rgb, scale, kind, lambda: network, quality=picture.quality)[0])


def whole(truths: dict[Path, Array], made: dict[str, CanvasNetwork | None]) -> None:
    for scale in SCALES:
        print(f"\nwhole photo, x{scale}, dB over Lanczos" + (" (SPAN / ours)" if "span" in made else ""))
        print("| photo | Lanczos | clean | JPEG 90 | JPEG 75 | JPEG 50 |\n|---|---:|---:|---:|---:|---:|")
        sums: dict[tuple, list[float]] = {}
        for path, truth in truths.items():
            cells = []
            for quality in QUALITIES:
                picture = reduced(truth, scale, quality)
                db = {way: psnr(enlarged(picture, scale, net), truth) for way, net in made.items()}
                if quality is None:
                    cells.append(f"{db['lanczos']:.2f}")
                gains = {way: value - db["lanczos"] for way, value in db.items() if way != "lanczos"}
                for way, value in gains.items():
                    sums.setdefault((way, quality), []).append(value)
                cells.append(" / ".join(f"{value:+.2f}" for value in gains.values()))
            print(f"| {path.stem} | {' | '.join(cells)} |", flush=True)
        ways = [way for way in made if way != "lanczos"]
        for title, of in (("mean", np.mean), ("least", np.min)):
            cells = [" / ".join(f"{of(sums[way, q]):+.2f}" for way in ways) for q in QUALITIES]
            print(f"| {title} | | {' | '.join(cells)} |")


def faces(truths: dict[Path, Array], made: dict[str, CanvasNetwork | None], strengths: list[float]) -> None:
    """Reduced by two, enlarged by two: faces whose cut is about half as wide as in the photo."""
    from faceprior.runtime.upscaler import load

    upscaler = load()
    print("\nfaces at half their size, x2, in the boxes, dB over Lanczos: (strength of the restored faces: gain)")
    for path, truth in truths.items():
        table = path.parent / "boxes.json"
        boxes = json.loads(table.read_text()).get(path.name, []) if table.exists() else []
        if not boxes:
            continue
        for quality in (None, 75):
            picture = reduced(truth, 2, quality)
            found = as_detections([tuple(v / 2 for v in box) for box in boxes], "boxes")
            error: dict[str, float] = {}
            for way, net in made.items():
                for strength in strengths:
                    options = PhotoOptions(2, strength, canvas="lanczos" if net is None else "network")
                    result = upscale_photo(picture, upscaler, found, options, canvas=lambda net=net: net)
                    error[f"{way} {strength:g}"] = boxed(np.asarray(result.photo), truth, boxes)
            base = error["lanczos 0"]
            sizes = [face.size for face in result.faces]
            said = ", ".join(f"{name}: {value - base:+.2f}" for name, value in error.items())
            print(f"{path.stem} (cuts {min(sizes):.0f}-{max(sizes):.0f} px) {quality or 'clean'}: {said}", flush=True)


def boxed(photo: Array, truth: Array, boxes: list) -> float:
    """PSNR of all pixels in boxes together."""
    inside = np.zeros(truth.shape[:2], bool)
    for x, y, w, h in boxes:
        inside[int(max(0, y)) : int(y + h), int(max(0, x)) : int(x + w)] = True
    return psnr(photo[inside], truth[inside])


def speed(made: dict[str, CanvasNetwork | None], threads: int | None, backend: str) -> None:
    """CPU time is no measure of two cores: the least of several runs, beside the convolution peak in those minutes."""
    from peaks import onnx_runtime, openvino, peaks

    runtime = openvino(threads, "f32") if backend == "openvino" else onnx_runtime(threads)
    peak = peaks(runtime)["convolution"]
    rgb = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    run = partial(paint, rgb, 4, "network", lambda: made["ours"])
    run()
    photo, convolution = [], []
    for _ in range(3):
        photo.append(_seconds(run))
        convolution.append(min(_seconds(peak.run) for _ in range(3)))
    megapixels = rgb.shape[0] * rgb.shape[1] / 1e6
    least = min(photo) / megapixels
    bound = 2 * MACS * 1e6 / 1e9 / (peak.gflop / min(convolution))
    ratio = least / bound
    print(f"\n{least:.1f} s a megapixel of input; its multiplications at the peak: {bound:.1f} s ({ratio:.2f}x)")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--span", type=Path, help="SPAN x4's public weights")
    parser.add_argument("--canvas", type=Path, help="an .onnx or .safetensors file instead of the packaged network")
    parser.add_argument("--scales", type=int, nargs="+", default=list(SCALES))
    parser.add_argument("--faces", action="store_true")
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.0, 0.5, 1.0])
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--backend", default="auto", choices=("auto", "onnx", "openvino", "torch"))
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    globals()["SCALES"] = tuple(given.scales)
    made = networks(given.canvas, given.span, backend=given.backend, threads=given.threads)
    truths = photos_of(given.photos)
    if given.scales != [0]:
        whole(truths, made)
    if given.faces:
        faces(truths, made, given.strengths)
    if given.speed:
        speed(made, given.threads, given.backend)


if __name__ == "__main__":
    main()
