"""LRs of training that are cut from what the canvas network enlarged are those that photos give."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from faceprior.dataset.context import CONTEXT  # noqa: E402
from faceprior.dataset.enlarged import AROUND, enlarged_lr, native_sizes  # noqa: E402
from faceprior.dataset.pairs import PairMaker  # noqa: E402
from faceprior.dataset.protocol import PAPER, UPRIGHT  # noqa: E402
from faceprior.dataset.store import FaceStore  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.face.frame import Frame  # noqa: E402
from faceprior.photo.cut import cut_enlarged  # noqa: E402
from faceprior.runtime.canvas import SCALE, load_canvas  # noqa: E402
from faceprior.training.config import TrainConfig  # noqa: E402
from faceprior.training.given import enlarger  # noqa: E402

ROOT = Path(__file__).parents[2]
CANVAS = ROOT / "weights" / "canvas.safetensors"
STANDING = torch.eye(2, 3)[None]


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """uint8 (224, 224, 3): the packaged portrait."""
    photo = Image.open(ROOT / "src" / "faceprior" / "assets" / "astronaut.jpg").convert("RGB")
    side = min(photo.size)
    return np.asarray(photo.crop((0, 0, side, side)).resize((CONTEXT, CONTEXT), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def store(face) -> FaceStore:
    contexts = torch.from_numpy(face.transpose(2, 0, 1).copy()).expand(8, -1, -1, -1).contiguous()
    landmarks, visible = torch.full((8, 68, 2), 112.0), torch.ones(8, 68, dtype=torch.bool)
    names = [f"{i}.jpg" for i in range(8)]
    return FaceStore(contexts, landmarks, visible, torch.zeros(8), torch.zeros(8, 4, 2), names, ["drawn"] * 8, names)


@pytest.mark.parametrize(("size", "native"), [(16, 12), (32, 20), (32, 28), (32, 40)])
def test_it_is_what_a_photo_gives(face, size, native):
    """A photo in which the face has `native` pixels, enlarged by the packaged network and cut by `photo/cut.py`."""
    contexts = torch.from_numpy(face.transpose(2, 0, 1).copy())[None]
    trained = enlarger(CANVAS, torch.device("cpu"))
    ours = enlarged_lr(contexts, STANDING, native, size, trained)[0].permute(1, 2, 0).numpy()
    assert ours.shape == (size, size, 3)

    whole, half = native + 2 * AROUND, 64 * (native + 2 * AROUND) / native
    edges = np.pad(face, ((64, 64), (64, 64), (0, 0)), "edge")
    box = tuple(64 + CONTEXT / 2 + s * half for s in (-1, -1, 1, 1))
    photo = np.asarray(Image.fromarray(edges).resize((whole, whole), Image.Resampling.BICUBIC, box=box))
    canvas = load_canvas(None, threads=1).told((0.0, 0.0))
    frame = Frame(((whole - 1) / 2,) * 2, (1.0, 0.0), float(native))
    theirs = cut_enlarged(Image.fromarray(canvas(photo)), SCALE, frame, size)
    lanczos = Image.fromarray(photo[AROUND:-AROUND, AROUND:-AROUND]).resize((size, size), Image.Resampling.LANCZOS)

    def decibel(other: np.ndarray) -> float:
        return 10 * np.log10(255**2 / np.mean((other.astype(float) - theirs) ** 2))

    assert decibel(ours) > 38 and decibel(ours) > decibel(np.asarray(lanczos)) + 3


def test_a_turned_face_is_cut_turned(store):
    """By a quarter, where nothing is interpolated between the pixels."""
    quarter = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]])
    run = enlarger(CANVAS, torch.device("cpu"))
    plain, turned = (enlarged_lr(store.contexts[:1], m, 20, 32, run) for m in (STANDING, quarter))
    apart = [(turned - plain.rot90(k, (2, 3))).abs().mean() for k in range(4)]
    assert min(apart[1], apart[3]) < min(apart[0], apart[2]) / 3


def test_so_many_of_a_batch_are_and_the_others_stay(store):
    index = torch.arange(8)
    plain = PairMaker(store, PAPER)
    some = PairMaker(store, PAPER, enlarged=0.5, enlarge=lambda x: x.repeat_interleave(4, 2).repeat_interleave(4, 3))
    a, b = (m.make(index, *m._in_ranges(torch.full((8, 5), 0.5), torch.zeros(8).long())) for m in (plain, some))
    assert a.lr.equal(b.lr)  # tests are made of the photo itself
    a, b = (m.train(index, torch.Generator().manual_seed(5)) for m in (plain, some))
    changed = [not x.equal(y) for x, y in zip(a.lr, b.lr, strict=True)]
    assert changed == [True] * 4 + [False] * 4
    assert a.hr.equal(b.hr) and a.transform.equal(b.transform)


def test_sizes_are_around_the_networks(store):
    maker = PairMaker(store, UPRIGHT, enlarged=1.0, enlarge=lambda x: x)
    drawn = {maker._native(torch.Generator().manual_seed(i)) for i in range(200)}
    assert (min(drawn), max(drawn)) == native_sizes(16) == (9, 20)


def test_without_a_canvas_it_says_what_to_give():
    with pytest.raises(FacepriorError, match="give one with --canvas"):
        enlarger(None, torch.device("cpu"))


def test_parts_of_the_lrs_are_at_most_all():
    with pytest.raises(FacepriorError, match="rough and enlarged"):
        TrainConfig.load("standard", ["data.rough=0.7", "data.enlarged=0.5"])
