"""`faceprior export`: a training run -> an ONNX file, or a packaged model."""

from pathlib import Path

import typer


def export(
    model: Path = typer.Argument(..., help="A run folder or a .safetensors file."),
    out: Path | None = typer.Option(
        None, "-o", "--out", help="The .onnx file, or .safetensors for PyTorch (default: .onnx beside the weights)."
    ),
    fp16: bool = typer.Option(True, "--fp16/--fp32", help="How weights are kept on disk; computed is in fp32."),
    int8: bool = typer.Option(
        False,
        "--int8",
        help="Convolutions in int8, where a network bears it: a third of the time less on CPUs with VNNI.",
    ),
    data: Path | None = typer.Option(
        None, "-d", "--data", help="With --int8: a folder written by `faceprior prepare`, to measure ranges on."
    ),
    faces: int = typer.Option(256, min=1, help="With --int8: how many of its training faces."),
    stn0: Path | None = typer.Option(
        None, "--stn0", help="A run or weights whose STN replaces the model's own, such as one trained on alone."
    ),
    any_size: bool = typer.Option(
        False, "--any-size", help="Of a U-Net: the file takes faces of 8 to 64 px, each call of one size."
    ),
    between: tuple[Path, float] | None = typer.Option(
        None, "--between", metavar="FILE PART",
        help="Weights that these began from: what is written lies this part (0-1) of the way from them to these.",
    ),
    clean: tuple[Path, float] | None = typer.Option(
        None, "--clean", metavar="SPAN PART",
        help="Of a canvas: for clean photos SPAN's public weights instead, brought this part (0-1) nearer to its own.",
    ),
    package: str | None = typer.Option(
        None, "--package", metavar="NAME", help="Make it a packaged model of this checkout instead."
    ),
    description: str = typer.Option("", help="With --package: one line for the list of models."),
    default: bool = typer.Option(False, "--default", help="With --package: the model used when none is named."),
    safetensors: bool = typer.Option(False, "--safetensors", help="With --package: keep weights for PyTorch too."),
    larger: str | None = typer.Option(
        None, "--larger", metavar="NAME", help="With --package: the packaged model for the larger faces of photos."
    ),
) -> None:
    """Write a model as ONNX: uint8 faces in, uint8 faces, heatmaps and transforms out, callable from any language."""
    import torch

    from ..errors import FacepriorError
    from ..face.trained import trained_sizes
    from ..networks.export import export_onnx
    from ..networks.inference import network_size
    from ..networks.weights import load_model, read_header, save_model
    from ..runtime.upscaler import weights_of_run

    if package is None and (description or default or safetensors or larger):
        raise FacepriorError("--description, --default, --safetensors and --larger go with --package NAME")
    if int8 != (data is not None):
        raise FacepriorError("--int8 and --data go together: ranges are measured on training faces")
    if int8 and (safetensors or not fp16 or (out is not None and out.suffix != ".onnx")):
        raise FacepriorError(
            "--int8 writes an .onnx file: leave --safetensors and --fp32 out, and end the name of -o so"
        )
    weights = weights_of_run(model) if model.is_dir() else model
    network, header = load_model(weights), read_header(weights)
    if between is not None:
        network = _between(*between, network, header)
    if header["model"] == "canvas":
        if int8 or stn0 is not None or default or safetensors or larger or any_size:
            raise FacepriorError(f"{weights}: is a canvas, which takes -o, --fp32, --clean and --package canvas alone")
        _export_canvas(network, header, weights, out, package, description, clean, fp16=fp16)
        return
    if clean is not None:
        raise FacepriorError("--clean goes with a canvas")
    if stn0 is not None:
        if not hasattr(network, "take_stn0"):
            raise FacepriorError(f"{weights}: has no STN to replace; leave --stn0 out")
        path = weights_of_run(stn0) if stn0.is_dir() else stn0
        network.take_stn0(load_model(path), str(path))
        header["provenance"] = {**header.get("provenance", {}), "stn0": stn0.name}
    ranges = None
    if int8:
        header["provenance"] = {**header.get("provenance", {}), "int8_faces": faces}
        ranges = _training_faces(data, faces, trained_sizes(header), network_size(network))
    if package is not None:
        from .package import package_model

        if out is not None:
            raise FacepriorError("-o and --package exclude each other")
        more = {"default": default, "safetensors": safetensors, "larger": larger}
        more |= {"ranges": ranges, "any_size": any_size}
        for path in package_model(network, header, package, description, **more):
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
        return
    out = out or weights.with_suffix(".int8.onnx" if int8 else ".onnx")
    if out.suffix not in (".onnx", ".safetensors"):
        raise FacepriorError(f"{out}: expected a name that ends in .onnx or .safetensors")
    if out.resolve() == weights.resolve():
        raise FacepriorError(f"{out}: is what is to be exported; -o names another file")
    out.parent.mkdir(parents=True, exist_ok=True)
    if ranges is not None:
        from ..networks.quantise import export_int8

        export_int8(network, out, header, ranges, any_size=any_size)
    elif out.suffix == ".onnx":
        export_onnx(network, out, header, fp16=fp16, any_size=any_size)
    else:
        save_model(network, out, header.get("provenance"), dtype=torch.float16 if fp16 else torch.float32)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB")


def _between(path: Path, part: float, network, header: dict):
    """The network between that of `path` and `network`; the header tells of it."""
    from ..networks.weights import load_model
    from ..runtime.upscaler import weights_of_run

    first = load_model(weights_of_run(path) if path.is_dir() else path)
    mixed = _between_named("--between", path, part, first, network)
    header["config"] = first.config.to_dict()
    header["provenance"] = {**header.get("provenance", {}), "between": path.name, "between_part": part}
    return mixed


def _between_named(flag: str, path: Path, part: float, first, second):
    """`between`, whose errors name the flag."""
    from ..errors import FacepriorError
    from ..networks.between import between

    try:
        return between(first, second, part)
    except FacepriorError as error:
        raise FacepriorError(f"{flag} {path} {part:g}: {error}") from None


def _export_canvas(
    network, header: dict, weights: Path, out: Path | None, package: str | None, description: str,
    clean: tuple[Path, float] | None, *, fp16: bool,
) -> None:  # fmt: skip
    from ..errors import FacepriorError
    from ..networks.canvas import Canvas
    from ..networks.canvas_export import export_canvas
    from .package import package_canvas

    other = None
    if clean is not None:
        path, part = clean
        other = Canvas(network.config).eval()
        other.take_span(path)
        other = _between_named("--clean", path, part, other, network)
        header["provenance"] = {**header.get("provenance", {}), "clean": path.name, "clean_part": part}
    if package is None:
        out = out or weights.with_suffix(".onnx")
        if out.suffix != ".onnx":
            raise FacepriorError(f"{out}: expected a name that ends in .onnx")
        out.parent.mkdir(parents=True, exist_ok=True)
        export_canvas(network, out, header, clean=other, fp16=fp16)
        written = [out]
    elif package != "canvas" or out is not None:
        raise FacepriorError("a canvas is packaged by --package canvas, without -o")
    else:
        written = package_canvas(network, header, description, clean=other)
    for path in written:
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


def _training_faces(data: Path, faces: int, many: tuple[int, int] | None, size: int) -> list:
    """uint8 (N, S, S, 3) each, unaligned as in training, half of them as photos bring them: all of one size, or a
    quarter each of the least and the most pixels of `many` and two between."""
    from dataclasses import replace

    import numpy as np
    import torch

    from ..dataset.pairs import PairMaker
    from ..dataset.protocol import PAPER
    from ..dataset.store import FaceStore
    from ..evaluation.metrics import to_levels
    from ..evaluation.scores import as_images

    store = FaceStore.load(data, "train", limit=faces)
    sizes = [size] if many is None else np.geomspace(*many, 4).round().astype(int).tolist()
    order = torch.randperm(len(store), generator=torch.Generator().manual_seed(0))
    made = []
    parts = zip(sizes, order.tensor_split(len(sizes)), strict=True)
    for one, part in ((one, part) for one, part in parts if len(part)):  # of few faces not every size has one
        maker = PairMaker(store, replace(PAPER, lr=one), rough=0.5, heatmap=0)
        made.append(as_images(to_levels(maker.train(part, torch.Generator()).lr)))
    return made
