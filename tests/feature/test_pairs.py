"""Pairs: the protocol's geometry, Pillow's reduction, flips, and the conformance vectors where they are."""

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from faceprior.dataset.degrade import reduce_to_lr  # noqa: E402
from faceprior.dataset.disturb import disturb  # noqa: E402
from faceprior.dataset.pairs import PairMaker  # noqa: E402
from faceprior.dataset.protocol import NEAR, PROTOCOLS, WIDE  # noqa: E402
from faceprior.dataset.store import FaceStore  # noqa: E402
from faceprior.evaluation.metrics import inside_photo  # noqa: E402
from faceprior.face.components import FLIP  # noqa: E402
from faceprior.face.similarity import similarity_parameters  # noqa: E402
from faceprior.networks.stn import warp  # noqa: E402


@pytest.fixture(scope="module")
def store():
    rng = np.random.default_rng(0)
    smooth = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (14, 14, 3), np.uint8)).resize((224, 224), Image.BICUBIC)
        )
        for _ in range(6)
    ]
    contexts = torch.from_numpy(np.stack(smooth).transpose(0, 3, 1, 2).copy())
    landmarks = torch.from_numpy(rng.uniform(50, 170, (6, 68, 2)).astype(np.float32))
    return FaceStore(
        contexts,
        landmarks,
        torch.from_numpy(rng.random((6, 68)) < 0.8),
        torch.zeros(6),
        torch.zeros(6, 4, 2),
        [f"face{i}.jpg" for i in range(6)],
        ["drawn"] * 6,
        [str(i) for i in range(6)],
    )


def test_reduction_is_pillows():
    image = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)
    ours = reduce_to_lr(torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32)))
    pillow = np.asarray(Image.fromarray(image).resize((16, 16), Image.BICUBIC)).transpose(2, 0, 1)
    difference = np.abs(ours[0].numpy() - pillow)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01  # Pillow computes in fixed point


def test_true_transform_sets_the_lr_upright(store):
    """Warping the LR by the true transform gives the reduced HR back, up to the LR's own blur."""
    pairs = PairMaker(store).test(torch.arange(6))
    upright = warp(pairs.lr, pairs.transform, 128, "bicubic", "border")
    still = PairMaker(store).make(
        torch.arange(6), *(torch.zeros(6), torch.ones(6), torch.zeros(6), torch.zeros(6))
    )
    centre = slice(32, 96)  # what no transform of the protocol takes out of the LR
    aligned = (upright - pairs.hr)[..., centre, centre].square().mean()
    unaligned = (
        (warp(pairs.lr, torch.eye(2, 3).expand(6, 2, 3), 128) - pairs.hr)[..., centre, centre].square().mean()
    )
    assert aligned < unaligned / 2
    assert still.transform.allclose(torch.eye(2, 3).expand(6, 2, 3))


def test_hr_is_the_middle_of_the_context(store):
    pairs = PairMaker(store).test(torch.tensor([3]))
    expected = store.contexts[3, :, 48:176, 48:176].float()
    torch.testing.assert_close((pairs.hr[0] + 1) * 127.5, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(pairs.landmarks[0], store.landmarks[3] - 48)


def test_test_transforms_depend_on_the_name_alone(store):
    maker = PairMaker(store)
    alone, together = maker.test(torch.tensor([4])), maker.test(torch.arange(6))
    torch.testing.assert_close(alone.lr[0], together.lr[4])
    torch.testing.assert_close(alone.transform[0], together.transform[4])


def test_training_transforms_are_fresh_and_repeatable(store):
    maker, index = PairMaker(store), torch.arange(6)
    generator = torch.Generator().manual_seed(1)
    first, second = maker.train(index, generator), maker.train(index, generator)
    again = maker.train(index, torch.Generator().manual_seed(1))
    assert not first.lr.equal(second.lr) and first.lr.equal(again.lr)


def test_flip_mirrors_everything(store):
    maker, index = PairMaker(store), torch.arange(6)
    numbers = (torch.zeros(6), torch.ones(6), torch.zeros(6), torch.zeros(6))
    plain, mirrored = (
        maker.make(index, *numbers),
        maker.make(index, *numbers, flip=torch.ones(6, dtype=torch.bool)),
    )
    torch.testing.assert_close(mirrored.hr, plain.hr.flip(-1))
    torch.testing.assert_close(mirrored.lr, plain.lr.flip(-1), atol=1.01 / 127.5, rtol=0)
    torch.testing.assert_close(mirrored.heatmaps, plain.heatmaps.flip(-1), atol=1e-5, rtol=0)
    assert mirrored.visible.equal(plain.visible[:, FLIP])
    expected = plain.landmarks[:, FLIP] * torch.tensor([-1.0, 1.0]) + torch.tensor([127.0, 0.0])
    torch.testing.assert_close(mirrored.landmarks, expected)


def test_values_are_8_bit(store):
    pairs = PairMaker(store).test(torch.arange(6))
    for images in (pairs.lr, pairs.hr):
        grey = (images + 1) * 127.5
        assert (grey - grey.round()).abs().max() < 1e-3 and grey.min() > -1e-3 and grey.max() < 255.001


def test_recolouring_changes_lr_and_hr_alike_and_testing_never(store):
    index = torch.arange(len(store))
    plain, vivid = PairMaker(store), PairMaker(store, colour=0.2)
    a, b = (maker.train(index, torch.Generator().manual_seed(3)) for maker in (plain, vivid))
    assert torch.equal(a.transform, b.transform) and torch.equal(a.landmarks, b.landmarks)
    shifts = [(y - x).mean((2, 3)) for x, y in ((a.hr, b.hr), (a.lr, b.lr))]
    assert shifts[0].abs().max() > 0.02
    # Up to what lies outside the HR, and values cut at the ends of the range.
    assert torch.corrcoef(torch.stack([shift.flatten() for shift in shifts]))[0, 1] > 0.8
    for images in (b.lr, b.hr):
        levels = (images + 1) * 127.5
        assert torch.allclose(levels, levels.round(), atol=1e-3) and images.abs().max() <= 1
    assert torch.equal(plain.test(index).hr, vivid.test(index).hr)


def test_disturbance_changes_the_lr_alone_within_its_range_and_testing_never(store):
    index = torch.arange(len(store))
    plain, disturbed = PairMaker(store), PairMaker(store, disturbance=1.0)
    a, b = (maker.train(index, torch.Generator().manual_seed(3)) for maker in (plain, disturbed))
    assert torch.equal(a.hr, b.hr) and torch.equal(a.transform, b.transform) and torch.equal(a.heatmaps, b.heatmaps)
    assert ((b.lr - a.lr).abs().mean((1, 2, 3)) > 0.01).all()  # every face
    levels = (b.lr + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-3) and b.lr.abs().max() <= 1
    assert torch.equal(plain.test(index).lr, disturbed.test(index).lr)


def test_something_is_hidden_of_half_the_faces_wholly_inside():
    flat = torch.zeros(400, 3, 16, 16)
    seen = disturb(flat, 1.0, torch.Generator().manual_seed(0))
    apart = (seen - seen.flatten(2).median(2).values[:, :, None, None]).abs().amax(1) > 0.5  # noise stays below
    areas = apart.flatten(1).sum(1)
    assert 0.3 < (areas >= 9).float().mean() < 0.6  # of some the colour is too near grey to tell
    assert areas.max() <= 36 + 8 and apart.any(0).any(0).all() and apart.any(0).any(1).all()  # 6 x 6 but for noise
    assert (disturb(flat, 0.1, torch.Generator().manual_seed(0)).abs() > 0.5).flatten(1).any(1).float().mean() < 0.2


@pytest.mark.data
def test_conformance_of_the_lr(vectors, vector_faces, tmp_path):
    """From the photo through shards to pairs, against the vectors: LR within 3 grey levels on 99 % of values."""
    from faceprior.dataset.prepare import PrepareOptions, prepare

    prepare([vector_faces], tmp_path / "shards", PrepareOptions(test_only=True), workers=1)
    store = FaceStore.load(tmp_path / "shards", "test")
    rows = torch.tensor([store.names.index(f"face{i:02d}.png") for i in range(len(vectors["q"]))])
    transforms = torch.from_numpy(vectors["q"]).double()
    for protocol, wanted in (("paper", vectors["lr"]), ("paper-32", vectors["lr32"])):
        pairs = PairMaker(store, PROTOCOLS[protocol]).make(rows, *transforms.T)
        ours = ((pairs.lr + 1) * 127.5).round().permute(0, 2, 3, 1).numpy()
        assert (np.abs(ours - wanted) <= 3).mean() >= 0.99
    hr = ((pairs.hr + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    mse = ((hr - vectors["hr"].astype(np.float32)) ** 2).mean((1, 2, 3))
    assert (10 * np.log10(255**2 / mse)).min() >= 38
    np.testing.assert_allclose(pairs.landmarks.numpy(), vectors["hr_landmarks"], atol=0.05)


def test_several_protocols_are_mixed_in_training_and_the_first_is_tested(store):
    index = torch.arange(6).repeat(40)
    mixed = PairMaker(store, (NEAR, WIDE)).train(index, torch.Generator().manual_seed(0))
    angle, scale, *_ = similarity_parameters(mixed.transform.numpy())
    near = (np.abs(angle) <= NEAR.max_angle) & (np.abs(np.log(scale)) <= np.log(1.08))
    assert 0.45 < near.mean() < 0.75 and np.abs(angle).max() > 30 and scale.max() > 1.2 and scale.min() < 0.85
    tested = PairMaker(store, (NEAR, WIDE)).test(torch.arange(6))
    assert torch.equal(tested.lr, PairMaker(store, NEAR).test(torch.arange(6)).lr)


def test_rough_spoils_some_lrs_alone_and_testing_never(store):
    index = torch.arange(6).repeat(8)
    plain, rough = PairMaker(store), PairMaker(store, rough=0.5)
    a, b = (maker.train(index, torch.Generator().manual_seed(3)) for maker in (plain, rough))
    assert torch.equal(a.hr, b.hr) and torch.equal(a.transform, b.transform)
    apart = (a.lr - b.lr).abs().mean((1, 2, 3))
    assert (apart[:24] > 0).all() and (apart[24:] == 0).all() and apart.max() < 0.4
    levels = (b.lr + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-3) and b.lr.abs().max() <= 1
    again = rough.train(index, torch.Generator().manual_seed(3))
    assert torch.equal(b.lr, again.lr)
    assert torch.equal(plain.test(index).lr, rough.test(index).lr)


def test_told_transforms_err_as_much_as_asked(store):
    index = torch.arange(6).repeat(60)
    maker = PairMaker(store, told=(2.0, 0.05, 0.01))
    pairs = maker.train(index, torch.Generator().manual_seed(0))
    true, told = (similarity_parameters(t.numpy()) for t in (pairs.transform, pairs.told))
    assert np.std(told[0] - true[0]) == pytest.approx(2.0, rel=0.2)
    assert np.std(np.log(told[1] / true[1])) == pytest.approx(0.05, rel=0.2)
    assert PairMaker(store).train(index, torch.Generator()).told is None
    assert torch.equal(maker.test(torch.arange(6)).told, maker.test(torch.arange(6)).told)


@pytest.mark.parametrize("mirrored", [False, True])
def test_scene_renders_the_truth_in_any_frame(store, mirrored):
    """In the label's frame it is the HR; a pixel off, the HR moved by one; recoloured as the HR was."""
    store.corners[:] = torch.tensor([[0.0, 0.0], [223.0, 0.0], [223.0, 223.0], [0.0, 223.0]])
    index = torch.arange(6)
    flip = torch.full((6,), mirrored)
    pairs = PairMaker(store).make(index, *(torch.full((6,), x) for x in (20.0, 1.05, 0.02, -0.03)), flip=flip)
    apart = (pairs.scene.truth(pairs.transform) - pairs.hr).abs()
    assert apart.max() < 2.5 / 127.5
    right = torch.eye(3)
    right[0, 2] = 2 / 128
    moved = pairs.scene.truth(pairs.transform @ right)
    assert (moved[..., :-1] - pairs.hr[..., 1:]).abs().max() < 2.5 / 127.5
    assert pairs.scene.inside(pairs.transform).all()
    seen = pairs.scene.seen(pairs.transform)
    assert 0.8 < seen.float().mean() < 1 and not seen[:, 0, 0].any() and seen[:, 64, 64].all()
    colourful = PairMaker(store, colour=0.3).train(index, torch.Generator().manual_seed(0))
    assert (colourful.scene.truth(colourful.transform) - colourful.hr).abs().max() < 6 / 127.5


def test_scene_knows_what_lies_outside_the_photo(store):
    """A photo that ends at the middle of the face: half of the pixels are inside, of a mirrored face the other half."""
    store.corners[:] = torch.tensor([[0.0, 0.0], [111.5, 0.0], [111.5, 223.0], [0.0, 223.0]])
    numbers = [torch.full((6,), x) for x in (0.0, 1.0, 0.0, 0.0)]
    for flip, half in ((False, slice(0, 64)), (True, slice(64, 128))):
        pairs = PairMaker(store).make(torch.arange(6), *numbers, flip=torch.full((6,), flip))
        inside = pairs.scene.inside(pairs.transform)
        assert inside[..., half].all() and inside.float().mean() == pytest.approx(0.5, abs=0.01)
    assert torch.equal(inside_photo(store.corners), inside.flip(-1))


def test_lrs_of_many_sizes_have_one_a_batch_evenly_by_its_logarithm(store):
    maker, index = PairMaker(store, sizes=(10, 48)), torch.arange(6)
    found = [maker.train(index, torch.Generator().manual_seed(i)).lr.shape[-1] for i in range(300)]
    assert min(found) == 10 and max(found) == 48
    assert 0.35 < np.mean(np.array(found) < 22) < 0.65  # the middle of the logarithms
    assert maker.test(index).lr.shape[-1] == 16


def test_a_smaller_lr_is_the_same_face(store):
    small, large = (
        PairMaker(store, sizes=(n, n), rough=0.5).train(torch.arange(6), torch.Generator().manual_seed(2))
        for n in (12, 24)
    )
    assert small.transform.equal(large.transform) and small.hr.equal(large.hr)
    reduced = torch.nn.functional.interpolate(large.lr, 12, mode="bicubic", antialias=True)
    assert (reduced - small.lr)[3:].abs().mean() < 0.05  # those that are not rough
