"""A part of an ONNX file, cut on the bytes: what `onnx` itself cuts, and what the runtime then computes."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from random_models import small_onnx, smooth_faces

import faceprior
from faceprior.runtime.trimmed import keep_outputs, output_names, split
from faceprior.runtime.weights import ASSETS, packaged


@pytest.fixture(scope="module")
def model() -> bytes:
    return small_onnx(stacks=2).read_bytes()


def test_outputs_are_named(model):
    assert output_names(model) == ["images", "heatmaps", "transforms"]


@pytest.mark.parametrize("names", [["transforms"], ["heatmaps"], ["transforms", "images"], ["images", "heatmaps"]])
def test_what_is_kept_gives_what_the_whole_gives(model, names):
    part = keep_outputs(model, names)
    onnx.checker.check_model(onnx.load_from_string(part))
    lr = smooth_faces(3)
    whole = ort.InferenceSession(model).run(names, {"lr": lr})
    session = ort.InferenceSession(part)
    assert [output.name for output in session.get_outputs()] == names
    for a, b in zip(whole, session.run(None, {"lr": lr}), strict=True):
        # Of one CPU the last bits may differ, where a runtime joins other nodes.
        np.testing.assert_allclose(a.astype(float), b, atol=1 if a.dtype == np.uint8 else 1e-5)


def test_nothing_that_is_not_needed_stays(model):
    whole, part = (onnx.load_from_string(x).graph for x in (model, keep_outputs(model, ["transforms"])))
    made = {name for node in part.node for name in node.output}
    used = {name for node in part.node for name in node.input} | {"transforms"}
    assert made <= used and {i.name for i in part.initializer} <= used
    assert len(part.node) < len(whole.node) / 2
    kept, before = (onnx.load_from_string(x).metadata_props for x in (keep_outputs(model, ["images"]), model))
    assert kept == before


def test_a_part_of_what_is_not_there_or_no_onnx_is_refused(model):
    with pytest.raises(ValueError, match="no output 'sharp'"):
        keep_outputs(model, ["sharp"])
    for bad in (b"", b"no model", model[: len(model) // 2]):
        with pytest.raises(ValueError):
            keep_outputs(bad, ["images"])


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_locate_gives_the_transforms_alone(backend):
    upscaler = faceprior.load(small_onnx(stacks=2), backend=backend)
    lr = smooth_faces(11)
    np.testing.assert_allclose(upscaler.locate(lr), upscaler(lr).transforms, atol=1e-5)
    assert upscaler.locate(lr[:0]).shape == (0, 2, 3)


def test_a_file_in_two_parts_gives_what_it_gives_whole():
    model = (ASSETS / packaged(None, ASSETS).file).read_bytes()
    first, second = split(model, ["images", "heatmaps"], "transforms")
    for part in (first, second):
        onnx.checker.check_model(onnx.load_from_string(part))
    sizes = [len(onnx.load_from_string(part).graph.node) for part in (first, second, model)]
    assert sizes[0] + sizes[1] <= sizes[2] + 8
    lr = smooth_faces(3)
    images, heatmaps, transforms = ort.InferenceSession(model).run(["images", "heatmaps", "transforms"], {"lr": lr})
    (given,) = ort.InferenceSession(first).run(None, {"lr": lr})
    np.testing.assert_allclose(given, transforms, atol=1e-5)
    again = ort.InferenceSession(second).run(None, {"lr": lr, "transforms": given})
    np.testing.assert_allclose(again[0].astype(float), images, atol=1)
    np.testing.assert_allclose(again[1], heatmaps, atol=1e-3)


def test_a_network_whose_parts_share_layers_stays_whole(model):
    assert split(model, ["transforms", "images"], "heatmaps") is None
    with pytest.raises(ValueError, match="no output 'sharp'"):
        split(model, ["images"], "sharp")


def test_faces_that_were_located_are_not_looked_for_again():
    upscaler = faceprior.load()
    assert upscaler.aligned
    lr = smooth_faces(11)
    transforms, whole = upscaler.locate(lr), upscaler(lr)
    calls = []
    locate, upscaler.backend.locate = upscaler.backend.locate, lambda lr: calls.append(len(lr)) or locate(lr)
    spared = upscaler(lr, transforms=transforms)
    assert not calls
    for name in ("images", "heatmaps", "transforms"):
        np.testing.assert_array_equal(getattr(spared, name), getattr(whole, name))
    with pytest.raises(faceprior.FacepriorError, match="transforms: expected"):
        upscaler(lr, transforms=transforms[1:])
