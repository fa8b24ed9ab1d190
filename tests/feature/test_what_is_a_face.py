"""One rule for every caller: faces are looked for in everything; what counts as a face that is cut out; its second
look, and the doubt that stays."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from command import faceprior  # noqa: F401  a fixture
from PIL import Image
from random_models import small_onnx

from faceprior.face.similarity import similarity_matrix, similarity_parameters
from faceprior.face.trained import PAPER, RANGES, TrainedRange, trained_range
from faceprior.photo.boxes import Detection
from faceprior.photo.cutface import SMALL, Given, may_be_cut, restore_cut
from faceprior.photo.decode import DecodedImage
from faceprior.photo.looks import believable
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.single import restore_face

SEEN = np.zeros((4, 64, 64), np.float32)
for k, (y, x) in enumerate(((26, 32), (36, 32), (46, 32), (58, 32))):  # eyes, nose, mouth, chin
    SEEN[k, y - 4 : y + 5, x - 8 : x + 9] = 0.9


class Follower:
    """Sees the brightest spot of a cut as the middle of an upright face, as far off as its trained range allows."""

    trained = PAPER

    def __init__(self):
        self.calls: list[int] = []

    def __call__(self, lr):
        self.calls.append(len(lr))
        weight = np.maximum(lr.astype(float).mean(-1) - 128, 0)
        grid = (np.arange(16) + 0.5) / 16 - 0.5
        total = np.maximum(weight.sum((1, 2)), 1e-9)
        x, y = (weight * grid).sum((1, 2)) / total, (weight * grid[:, None]).sum((1, 2)) / total
        # The cut is the upright frame moved by minus that.
        transforms = similarity_matrix(np.zeros(len(lr)), np.ones(len(lr)), -x, -y)
        return SimpleNamespace(
            images=np.repeat(np.repeat(lr, 8, 1), 8, 2),
            heatmaps=np.repeat(SEEN[None], len(lr), 0),
            transforms=transforms.astype(np.float32),
        )


class Insistent(Follower):
    """Sees every cut turned by 60 degrees."""

    def __call__(self, lr):
        out = super().__call__(lr)
        one = np.ones(len(lr))
        out.transforms = similarity_matrix(60 * one, one, 0 * one, 0 * one).astype(np.float32)
        return out


def spot(height: int, width: int, x: float, y: float) -> np.ndarray:
    """uint8 (H, W, 3): a bright disc at (x, y), parts of the size, on a dark ground; colours apart."""
    ys, xs = np.mgrid[:height, :width]
    side = min(height, width)
    disc = np.hypot(xs + 0.5 - x * width, ys + 0.5 - y * height) < 0.16 * side
    return np.where(disc[..., None], (250, 210, 180), (40, 30, 20)).astype(np.uint8)


def nothing(rgb):
    return []


def middle(rgb):
    height, width = rgb.shape[:2]
    return [Detection((width / 2 - 6, height / 2 - 6, 12, 12), 0.9)]


# -- the rule


@pytest.mark.parametrize("size", [(16, 16), (48, 48), (218, 178), (96, 96), (40, 250)])
def test_a_face_that_is_found_makes_it_a_photo_of_any_size(size):
    result = upscale_photo(spot(*size, 0.5, 0.5), Follower(), middle)
    assert result.kind == "photo" and len(result.restored) == 1
    assert result.photo.size == (4 * size[1], 4 * size[0])


@pytest.mark.parametrize(
    ("size", "kind"),
    [((16, 16), "cropped"), ((SMALL, SMALL), "cropped"), ((40, 48), "cropped"), ((SMALL + 1,) * 2, "photo"),
     ((32, 48), "photo"), ((218, 178), "photo")],
)  # fmt: skip
def test_without_a_face_it_is_a_cut_one_where_it_is_small_and_about_square(size, kind):
    result = upscale_photo(spot(*size, 0.5, 0.5), Follower(), nothing)
    assert result.kind == kind and may_be_cut(*size) == (kind == "cropped")
    if kind == "cropped":
        assert result.photo.size == (128, 128) and "taken for a face that is cut out" in result.notes[0]
        assert result.before.shape[0] == result.before.shape[1] == min(size)
    else:
        assert result.notes == ["no face found"] and not result.restored


def test_who_says_what_it_is_is_believed():
    picture = spot(20, 20, 0.5, 0.5)
    assert upscale_photo(picture, Follower(), nothing, PhotoOptions(kind="photo")).kind == "photo"
    assert upscale_photo(picture, Follower(), [], PhotoOptions()).kind == "photo"  # no faces, says the caller
    large = upscale_photo(spot(300, 400, 0.5, 0.5), Follower(), middle, PhotoOptions(kind="cropped"))
    assert large.kind == "cropped" and large.photo.size == (128, 128) and large.before.shape == (300, 300, 3)


def test_what_is_hardly_a_face_is_no_cut_one_unless_told():
    """A small square icon: nobody said that it is a face, and the network sees none rightly in it."""
    picture = spot(32, 32, 0.5, 0.5)
    result = upscale_photo(picture, Insistent(), nothing)
    assert result.kind == "photo" and not result.restored and "hardly a cut one" in result.notes[0]
    told = upscale_photo(picture, Insistent(), nothing, PhotoOptions(kind="cropped"))
    (face,) = told.faces
    assert told.kind == "cropped" and face.status == "doubtful" and "turned by" in face.reason


def test_the_face_of_a_portrait_is_restored_however_large_it_is():
    """178x218, as portraits come: the portrait enlarged, with its face in it."""

    def large(rgb):
        return [Detection((35.0, 50.0, 90.0, 110.0), 0.94)]

    portrait = upscale_photo(spot(218, 178, 0.45, 0.5), Follower(), large)
    assert portrait.kind == "photo" and portrait.photo.size == (712, 872) and len(portrait.restored) == 1
    photo = upscale_photo(spot(218, 300, 0.3, 0.5), Follower(), large)
    assert not photo.restored and "--max-size" in photo.advice[0]
    assert not upscale_photo(spot(218, 178, 0.45, 0.5), Follower(), large, PhotoOptions(max_size=80)).restored


# -- the second look


def test_a_face_outside_the_trained_range_is_cut_again_where_it_was_seen():
    network = Follower()
    off, near = (Given.of(DecodedImage(spot(64, 64, *at)), network) for at in ((0.62, 0.4), (0.52, 0.49)))
    first, second = restore_cut([off, near])
    assert first.looks > 1 and first.doubt is None and network.trained.holds(first.transform)
    assert first.frame.centre == pytest.approx((0.62 * 64 - 0.5, 0.4 * 64 - 0.5), abs=3)
    assert second.looks == 1 and second.frame.centre == (31.5, 31.5)
    assert network.calls[0] == 2 and set(network.calls[1:]) == {1}  # only the one that needs it


def test_a_face_that_stays_outside_is_doubtful_and_the_quarter_turn_was_tried():
    (face,) = restore_cut([Given.of(DecodedImage(spot(64, 64, 0.5, 0.5)), Insistent())])
    assert face.looks == 3 and "turned by 60 degrees" in face.doubt
    assert face.frame.right in [(0.0, 1.0), (0.0, -1.0), (-1.0, 0.0)]


def test_a_doubt_is_seen_where_the_face_is_printed():
    picture = spot(64, 64, 0.5, 0.5)
    assert "doubtful: the network saw it turned by 60 degrees" in repr(restore_face(Insistent(), picture))
    assert "doubtful" not in repr(restore_face(Follower(), picture))


def test_large_pictures_are_cut_again_from_a_smaller_copy():
    given = Given.of(DecodedImage(spot(1400, 1300, 0.6, 0.4)), Follower())
    assert max(given.rgb.shape) <= 700 and given.factor == 3
    (face,) = restore_cut([given])
    centre = given.in_picture(face.frame).centre
    assert centre == pytest.approx((0.6 * 1300, 0.4 * 1400), abs=0.05 * 1300)


# -- the trained range, in one place


def test_ranges_are_those_of_the_protocols():
    from faceprior.dataset.protocol import PROTOCOLS

    for name, known in RANGES.items():
        protocol = PROTOCOLS[name]
        assert (known.angle, known.scale, known.shift) == (protocol.max_angle, protocol.scale, protocol.max_shift)


def test_a_model_says_what_it_was_trained_on():
    def header(protocol):
        return {"provenance": {"config": {"data": {"protocol": protocol}}}}

    assert trained_range(header("paper")) == trained_range({}) == trained_range(header("unheard of")) == PAPER
    assert trained_range(header(["paper", "wide", "near"])) == TrainedRange(50.0, (0.75, 1.35), 0.15)


@pytest.mark.parametrize("trained", RANGES.values())
def test_what_is_believable_is_a_little_wider(trained):
    inside = similarity_matrix(trained.angle - 1, trained.scale[1] * 0.99, trained.shift * 0.9, 0)
    edge = similarity_matrix(trained.angle + 10, 1, trained.shift + 0.1, 0)
    far = similarity_matrix(0, trained.scale[1] * 1.3, 0, 0)
    assert trained.holds(inside) and not trained.holds(edge) and not trained.holds(far)
    assert believable(inside, trained) and believable(edge, trained) and not believable(far, trained)
    assert not trained.holds(np.full((2, 3), np.nan)) and not trained.holds(np.zeros((2, 3)))
    assert abs(similarity_parameters(edge)[0] - trained.angle - 10) < 1e-9


# -- as every caller gives it


@pytest.fixture
def followed(monkeypatch):
    """The command's model is one that follows the bright spot, and no detector sees a face."""
    from faceprior.photo import detect
    from faceprior.runtime import upscaler

    def load(*_, **__):
        made = upscaler.Upscaler.__new__(upscaler.Upscaler)
        made.batch, made.info = 8, upscaler.ModelInfo("follower", "1", "0", "onnx", "cpu")
        made.backend = SimpleNamespace(header={})
        return made

    follower = Follower()
    monkeypatch.setattr(upscaler, "load", load)
    monkeypatch.setattr(upscaler.Upscaler, "__call__", lambda self, lr: follower(lr))
    monkeypatch.setattr(detect.HogDetector, "__call__", lambda self, rgb: nothing(rgb))
    return follower


def test_the_command_says_what_it_decided(faceprior, followed, tmp_path):  # noqa: F811
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.fromarray(spot(32, 32, 0.5, 0.5)).save(small)
    Image.fromarray(spot(200, 200, 0.5, 0.5)).save(large)
    command = ("upscale", small, large, "--model", small_onnx(), "--detector", "embedded", "-o", tmp_path / "out")
    ran = faceprior(*command)
    assert ran.status == 0, ran.err
    assert "2 photos done (1 taken for a cut face)" in ran.out
    assert "small.png: no face found in 32x32: taken for a face that is cut out" in ran.err
    assert "large.png: nothing was restored; no face found" in ran.err
    with Image.open(tmp_path / "out" / "small.png") as image:
        assert image.size == (128, 128)
    with Image.open(tmp_path / "out" / "large.png") as image:
        assert image.size == (800, 800)
    assert json.loads((tmp_path / "out" / "small.json").read_text())["kind"] == "cropped"


def test_the_http_address_and_python_decide_as_the_command(followed):
    import faceprior as package
    from faceprior.photo.hog import HogDetector
    from faceprior.runtime.upscaler import load
    from faceprior.web.limits import Limits
    from faceprior.web.outcome import before_after, boxed, summary
    from faceprior.web.service import Service
    from faceprior.web.wanted import Wanted

    service = Service(load(), HogDetector(), Limits())
    for size, kind in ((32, "cropped"), (200, "photo")):
        stream = io.BytesIO()
        Image.fromarray(spot(size, size, 0.5, 0.5)).save(stream, "PNG")
        result, _ = service.restore(stream.getvalue(), Wanted(PhotoOptions()))
        assert result.kind == kind
        before, after = before_after(result)
        assert before.size == after.size == result.photo.size and boxed(result).width == 1280
        assert ("taken for a face" in summary(result)) == (kind == "cropped")
        assert package.upscale(stream.getvalue(), model=load(), detector="embedded").kind == kind


@pytest.mark.parametrize("size", [16, 24, 40])
def test_the_packaged_network_knows_a_face_from_a_texture(size):
    """The limits of `judge.py` belong to a network: a new one that is packaged must still pass here."""
    import faceprior as package
    from faceprior.cli.demo import make_sample
    from faceprior.photo.judge import CLEAR

    model = package.load(threads=1)
    sample = make_sample().truth
    face = np.asarray(Image.fromarray(sample).resize((size, size), Image.Resampling.BICUBIC))
    result = upscale_photo(face, model, nothing)
    assert result.kind == "cropped" and result.faces[0].status == "restored"
    limit = CLEAR[32 if result.faces[0].network == "standard-32" else 16]
    assert result.faces[0].heatmaps.max((1, 2)).mean() > limit
    rng = np.random.default_rng(0)
    ramp = np.repeat(np.linspace(0, 255, size).astype(np.uint8)[:, None, None], size, 1).repeat(3, 2)
    stripes = np.where((np.arange(size) // 3 % 2)[:, None, None], 230, 20).astype(np.uint8)
    textures = [ramp.transpose(1, 0, 2), np.broadcast_to(stripes, (size, size, 3))]
    textures += [np.repeat(rng.integers(0, 256, (size, size, 1), np.uint8), 3, 2) for _ in range(4)]
    kinds = [upscale_photo(np.ascontiguousarray(texture), model, nothing).kind for texture in textures]
    assert kinds.count("cropped") <= 1, kinds
