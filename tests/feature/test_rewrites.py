"""The rewrites of an exported graph: made where they should be, and the same faces after each."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from drawn_faces import draw_face, turned_face
from PIL import Image
from random_models import SMALL, random_network, smooth_faces

from faceprior.networks import rewrites
from faceprior.networks.config import MTUNConfig
from faceprior.networks.export import export_onnx

SUBPIXEL = {**SMALL, "tail": "subpixel", "localisation": "lr", "base": True}
HEADER = {"format": 1}


def exported(path, options, chosen) -> onnx.ModelProto:
    export_onnx(random_network(MTUNConfig(**options)), path, HEADER, fp16=False, rewrites=chosen)
    return onnx.load(path)


def run(model: onnx.ModelProto, lr: np.ndarray) -> list[np.ndarray]:
    return ort.InferenceSession(model.SerializeToString()).run(None, {"lr": lr})


def drawn(n: int) -> np.ndarray:
    """uint8 (n, 16, 16, 3): drawn faces."""
    return np.stack([np.asarray(draw_face(turned_face(roll=12.0 * i), seed=i).resize((16, 16))) for i in range(n)])


def noise(n: int) -> np.ndarray:
    """uint8 (n, 16, 16, 3): 0 and 255 alone, harder than any face."""
    return np.random.default_rng(0).integers(0, 2, (n, 16, 16, 3), np.uint8) * 255


def operators(model: onnx.ModelProto) -> dict[str, int]:
    names = [node.op_type for node in model.graph.node]
    return {name: names.count(name) for name in set(names)}


@pytest.mark.parametrize("options", [SUBPIXEL, {**SMALL, "heb": 32}], ids=["subpixel", "paper"])
def test_split_concat(tmp_path, options):
    before, after = (exported(tmp_path / f"{len(r)}.onnx", options, r) for r in ((), (rewrites.split_concat,)))
    lr = np.concatenate([drawn(6), noise(4)])
    for a, b in zip(run(before, lr), run(after, lr), strict=True):
        np.testing.assert_allclose(a.astype(float), b, atol=1 if a.dtype == np.uint8 else 1e-5)
    makers = {name: node.op_type for node in after.graph.node for name in node.output}
    fed_by_concat = [n for n in after.graph.node if n.op_type == "Conv" and makers.get(n.input[0]) == "Concat"]
    assert operators(after)["Conv"] > operators(before)["Conv"]
    assert not fed_by_concat


def test_convolve_before_shuffle(tmp_path):
    before, after = (
        exported(tmp_path / f"{len(r)}.onnx", SUBPIXEL, r) for r in ((), (rewrites.convolve_before_shuffle,))
    )
    lr = np.concatenate([drawn(6), noise(4)])
    assert np.abs(run(before, lr)[0].astype(int) - run(after, lr)[0]).max() <= 1
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in
              onnx.shape_inference.infer_shapes(after).graph.value_info}  # fmt: skip
    (shuffle,) = [node for node in after.graph.node if node.op_type == "DepthToSpace"]
    assert shapes[shuffle.input[0]][1] == 12  # the picture's 3 channels x 4, no more


def test_cubic_by_table(tmp_path):
    before, after = (exported(tmp_path / f"{len(r)}.onnx", SUBPIXEL, r) for r in ((), (rewrites.cubic_by_table,)))
    for lr, most in ((drawn(12), 1), (smooth_faces(12), 1), (noise(12), 2)):
        assert np.abs(run(before, lr)[0].astype(int) - run(after, lr)[0]).max() <= most
    assert b"cubic" in before.SerializeToString()
    modes = [
        a.s for node in after.graph.node if node.op_type == "GridSample" for a in node.attribute if a.name == "mode"
    ]
    assert modes
    assert set(modes) == {b"linear"}


@pytest.mark.parametrize("angle", [0.0, 17.0, 45.0, 75.0])
@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_the_table_is_the_cubic_also_outside_the_image(angle, shift):
    """Against PyTorch's grid_sample, for grids that leave the image on every side."""
    import torch
    from onnx import TensorProto, helper

    image = np.random.default_rng(1).uniform(-1, 1, (2, 3, 16, 16)).astype(np.float32)
    turn = np.deg2rad(angle)
    theta = np.array([[np.cos(turn), np.sin(turn), shift], [-np.sin(turn), np.cos(turn), -shift]], np.float32) * 1.3
    grid = torch.nn.functional.affine_grid(torch.from_numpy(theta)[None].repeat(2, 1, 1), (2, 3, 128, 128), False)
    wanted = torch.nn.functional.grid_sample(torch.from_numpy(image), grid, "bicubic", "border", False).numpy()
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", ["N", 3, 16, 16]), ("grid", ["N", 128, 128, 2]), ("y", ["N", 3, 128, 128]))
    ]
    node = helper.make_node("GridSample", ["x", "grid"], ["y"], mode="cubic", padding_mode="border")
    graph = helper.make_graph([node], "cubic", tensors[:2], tensors[2:])
    model = rewrites.rewritten(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10))
    assert [node.op_type for node in model.graph.node].count("MatMul") == 2
    session = ort.InferenceSession(model.SerializeToString())
    got = session.run(None, {"x": image, "grid": grid.numpy()})[0]
    assert np.abs(got - wanted).max() * 127.5 < 1  # noise of full contrast: less than one grey level


def test_other_graphs_are_left_alone(tmp_path):
    options = {**SMALL, "heb": 0, "skip": False, "autoencoder": False, "tail": "paper"}
    plain = exported(tmp_path / "plain.onnx", options, ())
    assert operators(
        rewrites.rewritten(plain, (rewrites.convolve_before_shuffle, rewrites.cubic_by_table))
    ) == operators(plain)


def test_a_photo_of_a_face_is_the_same_through_pytorch(tmp_path):
    import faceprior
    from faceprior.networks.weights import save_model

    network = random_network(MTUNConfig(**SUBPIXEL))
    save_model(network, tmp_path / "n.safetensors")
    export_onnx(network, tmp_path / "n.onnx", {**HEADER, "version": "0"}, fp16=False)
    with Image.open(faceprior.runtime.weights.ASSETS / "astronaut.jpg") as photo:
        lr = np.asarray(photo.convert("RGB").resize((16, 16), Image.Resampling.BICUBIC))[None]
    lr = np.concatenate([lr, drawn(6)])
    eager, ours = (faceprior.load(tmp_path / f"n.{kind}")(lr).images for kind in ("safetensors", "onnx"))
    assert np.abs(eager.astype(int) - ours).max() <= 1
