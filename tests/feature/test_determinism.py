"""The same input, model and backend: the same bytes; over batch sizes and threads within one grey level."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from random_models import small_onnx, small_safetensors, smooth_faces

import faceprior

FACES = smooth_faces(17, seed=5)
MODELS = pytest.mark.parametrize("model", [small_onnx, small_safetensors], ids=["onnx", "torch"])


def close(a, b) -> None:
    assert np.abs(a.images.astype(int) - b.images).max() <= 1
    np.testing.assert_allclose(a.heatmaps, b.heatmaps, atol=1e-3)
    np.testing.assert_allclose(a.transforms, b.transforms, atol=1e-4)


@MODELS
def test_again_and_in_another_process_the_same_bytes(model):
    network = faceprior.load(model(), threads=1)
    one, two = network(FACES), network(FACES)
    for name in ("images", "heatmaps", "transforms"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    program = (
        "import hashlib, sys, numpy as np, faceprior\n"
        "lr = np.frombuffer(bytes.fromhex(sys.stdin.read()), np.uint8).reshape(-1, 16, 16, 3)\n"
        "r = faceprior.load(sys.argv[1], threads=1)(lr)\n"
        "print(hashlib.sha256(r.images.tobytes() + r.heatmaps.tobytes() + r.transforms.tobytes()).hexdigest())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(model())],
        input=FACES.tobytes().hex(), capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    bytes_of = one.images.tobytes() + one.heatmaps.tobytes() + one.transforms.tobytes()
    assert said == hashlib.sha256(bytes_of).hexdigest()


@MODELS
def test_batch_sizes(model):
    network = faceprior.load(model(), threads=1)
    whole = network(FACES)
    for batch in (1, 2, 3, 5, 16, 17):
        network.batch = batch
        close(network(FACES), whole)
    network.batch = 8
    shuffled = np.random.default_rng(0).permutation(len(FACES))
    again = network(FACES[shuffled])
    assert np.abs(again.images.astype(int) - whole.images[shuffled]).max() <= 1


def test_threads():
    whole = faceprior.load(small_onnx(), threads=1)(FACES)
    for threads in (2, 3, 4):
        close(faceprior.load(small_onnx(), threads=threads)(FACES), whole)
