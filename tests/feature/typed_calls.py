"""Every documented call with the types that a checker must see: read by test_typing.py, never run."""

from pathlib import Path
from typing import assert_type

import numpy as np
from PIL import Image

import faceprior
from faceprior import Detection, FaceResult, ModelInfo, PhotoFace, PhotoResult, Result, Upscaler

model = faceprior.load()
assert_type(model, Upscaler)
assert_type(model.info, ModelInfo)
assert_type(faceprior.load(Path("runs/first"), backend="torch", device="cpu", precision="bf16", sharp=True), Upscaler)

result = model(np.zeros((2, 16, 16, 3), np.uint8))
assert_type(result, Result)
assert_type(len(result), int)
result.images.shape, result.heatmaps.dtype, result.transforms[0]

for picture in ("face.png", Path("face.png"), b"...", np.zeros((40, 40), np.uint8), Image.new("L", (40, 40))):
    assert_type(model.restore(picture), FaceResult)
    assert_type(faceprior.upscale(picture), PhotoResult)
face = model.restore("face.png")
assert_type(face.angle, float)
assert_type(face.save("restored.png", overwrite=True), Path)
assert_type(face.note, str | None)
face.image, face.heatmaps, face.transform, face.lr, face.overlay, face.components[0].position


def detector(rgb: np.ndarray) -> list[Detection]:
    return [Detection((1.0, 2.0, 20.0, 20.0))]


photo = faceprior.upscale(
    "party.jpg",
    model=model,
    sharp=False,
    scale=2,
    strength=0.5,
    min_size=8,
    max_size=80.0,
    faces=[1, 3],
    consistent=True,
    canvas="lanczos",
    boxes=[(1, 2, 20, 20)],
    detector=detector,
    detector_weights=None,
    offline=True,
    any_turn=True,
    device="cpu",
    threads=1,
    backend="onnx",
    precision="f32",
    pixel_limit=False,
    warn=print,
)
assert_type(model.photo("party.jpg", scale=2, detector="embedded"), PhotoResult)
assert_type(photo.photo, Image.Image)
assert_type(photo.scale, float)
assert_type(photo.faces, list[PhotoFace])
assert_type(photo.restored, list[PhotoFace])
assert_type(photo.notes, list[str])
assert_type(photo.source, Path | None)
assert_type(photo.save(Path("out"), "party.png", sheet=False, faces=False, overwrite=True), Path)
assert_type(photo.faces[0].number, int)
assert_type(photo.faces[0].status, str)
assert_type(photo.faces[0].reason, str | None)
assert_type(photo.faces[0].detection.box, tuple[float, float, float, float])
photo.image.shape, photo.before, photo.alpha, photo.icc, photo.about, photo.faces[0].lr_consistency

assert_type(faceprior.__version__, str)
try:
    faceprior.upscale("absent.jpg")
except faceprior.FacepriorError as error:
    assert_type(str(error), str)
