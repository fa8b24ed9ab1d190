"""A model of two networks: each face goes to the one that its detail fills."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from textures import texture

from faceprior.errors import FacepriorError
from faceprior.photo.boxes import Detection
from faceprior.photo.cutface import Given, restore_cut
from faceprior.photo.decode import DecodedImage
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.restraint import restraint, sideways
from faceprior.runtime.upscaler import Larger, Upscaler
from faceprior.video.restore import FrameRestorer


class Painter:
    """Paints every face in one grey, and keeps what it was shown."""

    def __init__(self, size: int, grey: int, larger: "Painter | None" = None, sharpness: float = 0.0):
        self.size, self.grey, self.larger, self.sharpness = size, grey, larger, sharpness
        self.info = SimpleNamespace(name=f"of {size}")
        self.seen, self.restraints, self.heat = [], [], 1.0

    def __call__(self, lr: np.ndarray, restraint=None):
        assert lr.shape[1:] == (self.size, self.size, 3)
        self.seen.append(lr)
        if restraint is not None:
            self.restraints.append(restraint)
        return SimpleNamespace(
            images=np.full((len(lr), 128, 128, 3), self.grey, np.uint8),
            heatmaps=np.full((len(lr), 4, 64, 64), self.heat, np.float32),
            transforms=np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1)),
        )


def family(**options) -> Painter:
    return Painter(16, 80, Painter(32, 160, **options), **options)


def crowd(sides: dict[int, tuple[int, int]], blurred: tuple[int, ...] = ()) -> tuple[np.ndarray, list[Detection]]:
    """A photo, 600x200, with a "face" of each side at its place; those of `blurred` enlarged three times."""
    photo = Image.fromarray(np.repeat(texture(200, 600, 1), 3, 2))
    faces = []
    for side, (x, y) in sides.items():
        faces.append(Detection((float(x), float(y), side / 1.171, side / 1.171)))
        if side in blurred:
            box = (x - side, y - side, x + 2 * side, y + 2 * side)
            part = photo.crop(box)
            few = part.resize((side, side), Image.Resampling.BICUBIC)
            photo.paste(few.resize(part.size, Image.Resampling.BICUBIC), box[:2])
    return np.asarray(photo), faces


def test_small_faces_go_to_the_one_and_larger_ones_to_the_other():
    photo, faces = crowd({14: (50, 80), 40: (400, 80)})
    network = family()
    result = upscale_photo(photo, network, faces, PhotoOptions(canvas="lanczos"))
    small, large = sorted(result.faces, key=lambda face: face.size)
    assert (small.network, len(small.lr)) == ("of 16", 16) and (large.network, len(large.lr)) == ("of 32", 32)
    assert small.image[0, 0, 0] == 80 and large.image[0, 0, 0] == 160
    assert [len(batch) for batch in network.larger.seen] and large.lr_consistency is not None


def test_a_blurred_face_is_taken_for_as_small_as_its_detail():
    photo, faces = crowd({45: (100, 60), 44: (400, 60)}, blurred=(45,))
    result = upscale_photo(photo, family(), faces, PhotoOptions(canvas="lanczos"))
    blurred, crisp = sorted(result.faces, key=lambda face: -face.size)
    assert blurred.size > crisp.size and blurred.detail < 23 < crisp.detail
    assert (blurred.network, crisp.network) == ("of 16", "of 32")


def test_detail_not_pixels_makes_a_face_too_large():
    photo, faces = crowd({54: (100, 60), 52: (400, 60)}, blurred=(54,))
    result = upscale_photo(photo, family(), faces, PhotoOptions(max_size=40, canvas="lanczos"))
    blurred, crisp = sorted(result.faces, key=lambda face: -face.size)
    assert blurred.restored
    assert not crisp.restored and crisp.reason == f"too large: {crisp.detail:.0f} px of detail > 40"
    (line,) = result.advice
    assert f"--max-size {int(np.ceil(crisp.detail))}" in line


def test_cut_faces_are_given_to_theirs_and_keep_their_order():
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    network = family()
    pictures = [noise[:16, :16], noise[:48, :48], noise[:16, 16:32], noise[:32, 32:]]
    given = [Given.of(DecodedImage(np.ascontiguousarray(p)), network, keep_sharpening=True) for p in pictures]
    faces = restore_cut(given)
    assert [len(face.lr) for face in faces] == [16, 32, 16, 32]
    np.testing.assert_array_equal(faces[3].lr, pictures[3])  # as it is


def test_a_model_of_one_network_takes_them_all():
    photo, faces = crowd({14: (50, 80), 40: (400, 80)})
    result = upscale_photo(photo, Painter(16, 80), faces, PhotoOptions(canvas="lanczos"))
    assert {face.network for face in result.faces} == {"of 16"}


def test_in_a_clip_a_face_keeps_its_network_while_it_is_about_as_large():
    photo, (face,) = crowd({34: (200, 80)})
    network = family()
    restorer = FrameRestorer(network, PhotoOptions(canvas="lanczos"), 2)
    x, y, side, _ = face.box
    for i, size in enumerate((1.0, 0.95, 0.85, 1.02)):
        restorer(photo, i / 25, {1: Detection((x, y, side * size, side * size))})
    assert len(network.larger.seen) == 5 and not network.seen  # two looks at a new face
    restorer(photo, 0.2, {1: Detection((x, y, side / 2, side / 2))})
    assert len(network.seen) == 1


def test_in_a_clip_the_first_look_is_the_stn_s_alone():
    photo, (face,) = crowd({14: (200, 80)})
    network = family()
    network.locate = lambda lr: np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
    FrameRestorer(network, PhotoOptions(canvas="lanczos"), 2)(photo, 0.0, {1: face})
    assert len(network.seen) == 1


def test_in_a_clip_too_the_detail_counts_not_the_pixels():
    photo, faces = crowd({100: (50, 60), 90: (400, 60)}, blurred=(100,))
    clip = FrameRestorer(family(), PhotoOptions(canvas="lanczos"), 1)
    for i in range(3):
        clip(photo, i / 25, dict(enumerate(faces, 1)))
    assert clip.faces[1].frames == 3 and clip.faces[2].frames == 0
    assert clip.faces[1].details[1] < 60 < clip.faces[2].details[0]


def test_in_a_clip_what_is_no_face_for_the_network_is_left_and_fades_out():
    photo, (face,) = crowd({14: (200, 80)})
    network = family()
    network.no_face = 0.6
    clip = FrameRestorer(network, PhotoOptions(canvas="lanczos"), 2)
    clip(photo, -0.04, {})  # who is in a scene's first frame is there at once, others come in
    weights = []
    for i in range(16):
        network.heat = 0.2 if i >= 4 else 1.0  # it turns away
        clip(photo, i / 25, {1: face})
        weights.append(clip.faces[1].weight)
    assert weights[3] > weights[0] > 0 and weights[-1] == 0
    assert max(abs(a - b) for a, b in pairwise(weights)) <= 0.21  # it pops neither in nor out
    never = FrameRestorer(network, PhotoOptions(canvas="lanczos"), 2)
    never(photo, 0.0, {1: face})
    assert never.faces[1].frames == 0


def test_in_a_clip_too_turned_faces_and_grain_are_sharpened_less():
    photo, (face,) = crowd({14: (200, 80)})
    points = np.array([[200, 80], [206, 80], [212, 85], [200, 90], [206, 90]], np.float64)
    turned = Detection(face.box, points=points)
    network = family(sharpness=1.0)
    clip = FrameRestorer(network, PhotoOptions(canvas="lanczos"), 2)
    clip(np.full_like(photo, 90), 0.0, {1: face, 2: turned})
    np.testing.assert_array_equal(network.restraints[-1], [1, 0])
    clip(np.full_like(photo, 90), 1.0, {1: face, 2: turned})  # the grain is measured now and then
    noisy = np.clip(90 + np.random.default_rng(0).normal(0, 25, photo.shape), 0, 255).astype(np.uint8)
    clip(noisy, 20.0, {1: face})
    assert network.restraints[-1][0] < 0.2


def test_the_larger_one_is_loaded_once_and_at_the_same_sharpness():
    loaded = []

    def make() -> Upscaler:
        loaded.append(1)
        return Upscaler(SimpleNamespace(name="x", device="cpu", header={}, size=32), "b", "0" * 64, sharpness=1)

    backend = SimpleNamespace(name="x", device="cpu", header={}, size=16)
    one = Upscaler(backend, "a", "0" * 64, sharpness=1, larger=Larger("b", make))
    assert one.info.larger == "b (sharp)" and not loaded
    half = one.at(0.5)
    assert half.larger.sharpness == 0.5 and half.larger.size == 32 and one.larger.sharpness == 1
    assert half.info.larger == "b (sharpness 0.5)" and loaded == [1]


def test_the_sharpness_is_chosen_again_after_the_plain_one():
    """It was said that the model was loaded without any."""

    def make(name: str, larger: Larger | None = None) -> Upscaler:
        backend = SimpleNamespace(name="x", device="cpu", header={}, size=16)
        return Upscaler(backend, name, "0" * 64, sharpness=1, larger=larger)

    one = make("a", Larger("b", lambda: make("b")))
    for again in (one.at(0).at(0.5), one.at(0).at(0).at(0.5), one.at(0.5).at(0).at(0.5)):
        assert again.sharpness == again.larger.sharpness == 0.5 and again.info.name == "a (sharpness 0.5)"
        assert again.backend is one.backend
    assert one.at(0).larger.sharpness == 0
    plain = Upscaler(one.backend, "a", "0" * 64)
    with pytest.raises(FacepriorError, match="load the model with sharpness=1"):
        plain.at(0.5)


def test_larger_faces_of_a_chosen_sharpness_go_to_one_network():
    """A copy for each face was a run of the network for each."""

    def make(name: str, larger: Larger | None = None) -> Upscaler:
        backend = SimpleNamespace(name="x", device="cpu", header={}, size=32 if larger is None else 16)
        return Upscaler(backend, name, "0" * 64, sharpness=1, larger=larger)

    half = make("a", Larger("b", lambda: make("b"))).at(0.5)
    assert half.larger is half.larger and half.at(0).larger is not half.larger
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    given = [Given.of(DecodedImage(noise[:48, i : i + 48]), half, keep_sharpening=True) for i in (0, 8)]
    assert given[0].network is given[1].network is half.larger


def test_turned_faces_and_grainy_photos_are_sharpened_less():
    frontal = np.array([[10, 10], [20, 10], [15, 15], [11, 21], [19, 21]], np.float64)
    turned = frontal + np.array([[0, 0], [-4, 0], [4, 0], [0, 0], [-2, 0]])
    front, side = (Detection((0.0, 0.0, 30.0, 40.0), points=p) for p in (frontal, turned))
    assert sideways(front) == 0 and sideways(side) > 0.7
    assert restraint(front, 0) == 1 and restraint(side, 0) == 0
    assert restraint(front, 9) == pytest.approx(0.5) and restraint(front, 20) == 0
    a = np.radians(40)
    roll = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    assert sideways(Detection((0.0, 0.0, 30.0, 40.0), points=turned @ roll)) == pytest.approx(sideways(side))
    assert restraint(Detection((0.0, 0.0, 30.0, 40.0)), 0) == 1  # without points nothing is known
    photo, faces = crowd({14: (50, 80), 40: (400, 80)})
    network = family(sharpness=1.0)
    upscale_photo(np.full_like(photo, 90), network, faces, PhotoOptions(canvas="lanczos"))
    assert all((r == 1).all() for r in network.restraints)


def test_a_packaged_model_names_the_other(tmp_path):
    from random_models import SMALL, random_network

    from faceprior.cli.package import package_model
    from faceprior.networks.config import MTUNConfig
    from faceprior.runtime.weights import registry

    network, header = random_network(MTUNConfig(**SMALL)), {"format": 1, "model": "mtun", "config": {}}
    with pytest.raises(FacepriorError, match="package that one first"):
        package_model(network, header, "a", "", larger="b", assets=tmp_path)
    assert not list(tmp_path.iterdir())
    package_model(network, header, "b", "", assets=tmp_path)
    package_model(network, header, "a", "", larger="b", default=True, assets=tmp_path)
    package_model(network, header, "b", "a second one", assets=tmp_path)
    package_model(network, header, "b", "", assets=tmp_path)
    models, default = registry(tmp_path)
    assert '"a second one"' in (tmp_path / "models.json").read_text()
    assert default == "a" and models["a"].larger == "b" and models["b"].larger is None
