"""Cut, restore, paste: with a network that is never wrong, what is pasted must be what was there."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from faceprior.face.frame import Frame
from faceprior.photo.boxes import Detection
from faceprior.photo.consistency import enforce, lr_consistency, project
from faceprior.photo.cut import cut, cut_lr, face_frame
from faceprior.photo.decode import DecodedImage
from faceprior.photo.enlarge import enlarge, fitting_scale
from faceprior.photo.mask import components, convex_hull, face_mask
from faceprior.photo.options import PhotoOptions
from faceprior.photo.paste import Restored, paste
from faceprior.photo.pipeline import believable, upscale_photo
from faceprior.photo.warp import (
    apply,
    blurring,
    inverse,
    resize,
    resize_planes,
    separable,
    transform_between,
    transformed,
    transformed_rgb,
    upright_to_cut,
    upright_to_photo,
    warp,
)
from faceprior.photo.window import Sampling, Window

SCALE = 4
IDENTITY = np.array([[1.0, 0, 0], [0, 1.0, 0]], np.float32)
NOTHING_SEEN = np.zeros((4, 64, 64), np.float32)


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """float32 (H, W, 3), 0..255: shapes of 3 to 40 px, finer than a photo reduced by 4 can hold."""
    random = np.random.default_rng(seed)
    out = np.zeros((height, width, 3), np.float32)
    for cell, weight in ((40, 25), (16, 15), (3, 16)):
        noise = random.standard_normal((height // cell + 4, width // cell + 4, 3)).astype(np.float32)
        out += weight * resize(noise, (width, height))
    return np.clip(out + 128, 0, 255)


def enlarged_frame(frame: Frame, factor: int) -> Frame:
    centre = tuple((c + 0.5) * factor - 0.5 for c in frame.centre)
    return Frame(centre, frame.right, frame.side * factor)


def true_face(sharp: np.ndarray, upright: Frame) -> np.ndarray:
    """uint8 (128, 128, 3): what a network without error makes of `upright`, a frame of the photo."""
    matrix = enlarged_frame(upright, SCALE).matrix(128)
    return np.rint(np.clip(warp(sharp, matrix, (128, 128)), 0, 255)).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> float:
    error = ((np.asarray(a, float) - b) ** 2)[where].mean()
    return 10 * np.log10(255**2 / error)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "angle, scale, tx, ty", [(0, 1, 0, 0), (20, 1.05, 0.03, -0.02), (-40, 0.92, -0.05, 0.05), (44, 1.1, 0.05, 0.04)]
)
def test_a_perfect_network_gives_the_photo_back(angle, scale, tx, ty, turn):
    sharp = scene(400, 480)
    photo = np.rint(resize(sharp, (120, 100))).clip(0, 255).astype(np.uint8)
    right = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][turn]
    square = Frame((61.3, 47.7), right, 27.0)
    upright = square.moved(angle, scale, tx, ty)
    transform = transform_between(square, upright)
    canvas = enlarge(photo, SCALE)
    lanczos = np.asarray(canvas).copy()
    region = paste(canvas, photo, Restored(square, true_face(sharp, upright), NOTHING_SEEN, transform), SCALE)
    pasted = np.asarray(canvas)

    to_canvas = enlarged_frame(upright, SCALE).matrix(128)
    alpha = warp(face_mask(NOTHING_SEEN), inverse(to_canvas), (480, 400), repeat=False)
    inside = alpha > 0.95
    assert inside.sum() > 2000
    assert psnr(pasted, sharp, inside) > max(34, psnr(lanczos, sharp, inside) + 6)
    outside = np.ones(pasted.shape[:2], bool)
    outside[region[1] : region[3], region[0] : region[2]] = False
    assert (pasted == lanczos)[outside].all()


def test_no_seam_where_network_and_photo_differ_in_tone():
    """A face 40 levels too bright and too red, pasted on a smooth photo: no step along the mask's border."""
    photo = np.rint(resize(scene(12, 14, 3), (112, 96))).clip(40, 200).astype(np.uint8)
    square = Frame((56.0, 48.0), (1.0, 0.0), 30.0)
    face = np.asarray(Image.fromarray(cut(photo, square, 128, Image.Resampling.BICUBIC)), np.int16)
    wrong = np.clip(face + np.array([45, 25, 15]), 0, 255).astype(np.uint8)
    canvas = enlarge(photo, SCALE)
    before = np.asarray(canvas, np.float32)
    paste(canvas, photo, Restored(square, wrong, NOTHING_SEEN, IDENTITY), SCALE, keep_detail=0.0)
    difference = np.asarray(canvas, np.float32) - before
    steps = [np.abs(np.diff(difference, axis=axis)).max() for axis in (0, 1)]
    assert max(steps) <= 3  # levels from a pixel to the next; unmatched and unfeathered it is 45
    assert np.abs(difference).mean() < 2  # and the tone is the photo's


def test_strength_blends_and_zero_leaves_the_photo():
    photo = scene(60, 60, 1).astype(np.uint8)
    restored = Restored(
        Frame((30.0, 30.0), (1.0, 0.0), 30.0), scene(128, 128, 2).astype(np.uint8), NOTHING_SEEN, IDENTITY
    )
    canvases = {}
    for strength in (0.0, 0.5, 1.0):
        canvases[strength] = enlarge(photo, 2)
        paste(canvases[strength], photo, restored, 2, strength=strength)
    none, half, full = (np.asarray(canvases[s], np.float32) for s in (0.0, 0.5, 1.0))
    assert (none == np.asarray(enlarge(photo, 2))).all()
    assert np.abs((none + full) / 2 - half).max() <= 1


def test_kept_detail_makes_the_photo_agree_with_itself():
    """With all of the photo's own detail put back, the result reduced is the photo again, whatever was pasted."""
    photo = scene(64, 64, 4).astype(np.uint8)
    square = Frame((32.0, 32.0), (1.0, 0.0), 40.0)
    other = scene(128, 128, 5).astype(np.uint8)
    errors = []
    for keep in (0.0, 1.0):
        canvas = enlarge(photo, 4)
        paste(canvas, photo, Restored(square, other, NOTHING_SEEN, IDENTITY), 4, keep_detail=keep)
        reduced = resize(np.asarray(canvas, np.float32), (64, 64))
        errors.append(np.abs(reduced - photo)[20:44, 20:44].mean())
    assert errors[1] < 3 < errors[0]


@pytest.mark.parametrize("centre", [(-3.0, 5.0), (38.0, 39.0), (500.0, 10.0)])
def test_faces_at_the_border_and_outside(centre):
    photo = scene(40, 40, 6).astype(np.uint8)
    square = Frame(centre, (1.0, 0.0), 24.0)
    assert cut_lr(photo, square).shape == (16, 16, 3)
    canvas = enlarge(photo, 3)
    region = paste(canvas, photo, Restored(square, scene(128, 128).astype(np.uint8), NOTHING_SEEN, IDENTITY), 3)
    assert canvas.size == (120, 120)
    assert (region is None) == (centre[0] > 100)


def test_a_cut_is_what_the_protocol_renders():
    photo = scene(200, 200, 7)
    square = Frame((101.2, 96.4), (1.0, 0.0), 128.0)  # a pixel of the rendering is a pixel of the photo
    rendered = warp(photo, square.matrix(128), (128, 128))
    expected = Image.fromarray(np.rint(rendered).clip(0, 255).astype(np.uint8)).resize((16, 16), 3)
    assert np.abs(cut_lr(np.rint(photo).astype(np.uint8), square).astype(int) - np.asarray(expected)).max() <= 2


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_face_is_cut_upright(turn):
    photo = scene(90, 120, 8).astype(np.uint8)
    turned = np.ascontiguousarray(np.rot90(photo, -turn))  # clockwise
    a = cut_lr(photo, Frame((60.0, 40.0), (1.0, 0.0), 30.0))
    centre = {1: (89 - 40.0, 60.0), 2: (119 - 60.0, 89 - 40.0), 3: (40.0, 119 - 60.0)}[turn]
    axis = {1: (0.0, 1.0), 2: (-1.0, 0.0), 3: (0.0, -1.0)}[turn]
    b = cut_lr(turned, Frame(centre, axis, 30.0))
    assert np.abs(a.astype(int) - b).max() <= 1


def test_box_and_points_give_the_frame_they_were_measured_on():
    """YuNet's five points of an upright face; the same face upside down gives the same square turned."""
    points = ((40.0, 40.0), (56.0, 40.0), (48.0, 50.0), (42.0, 57.0), (54.0, 57.0))
    face = face_frame(Detection((35.0, 27.0, 27.0, 38.0), 0.9, points))
    assert face.right == (1.0, 0.0)
    assert face.centre == pytest.approx((48.0, 40 + 0.42 * 17))
    assert 34 < face.side < 44
    mirrored = tuple((100 - x, 100 - y) for x, y in points)
    down = face_frame(Detection((100.5 - 62.0 + 0.5, 100.5 - 65.0 + 0.5, 27.0, 38.0), 0.9, mirrored, 2))
    assert down.side == pytest.approx(face.side)
    assert down.right == (-1.0, 0.0)
    assert down.centre == pytest.approx((100 - face.centre[0], 100 - face.centre[1]))
    assert face_frame(Detection((35.0, 27.0, 27.0, 38.0))).side == pytest.approx(1.171 * np.sqrt(27 * 38))


def test_consistency_is_high_for_a_true_face_and_enforced_for_another():
    sharp = scene(500, 500, 9)
    cut_frame = Frame((60.0, 60.0), (1.0, 0.0), 30.0)
    upright = cut_frame.moved(25, 1.05, 0.02, -0.03)
    transform = transform_between(cut_frame, upright)
    lr = cut(sharp.astype(np.uint8), enlarged_frame(cut_frame, SCALE), 128, Image.Resampling.BICUBIC)
    lr = np.asarray(Image.fromarray(lr).resize((16, 16), Image.Resampling.BICUBIC))
    right, wrong = true_face(sharp, upright), scene(128, 128, 10).astype(np.uint8)
    assert lr_consistency(right, lr, transform) > 38
    assert lr_consistency(wrong, lr, transform) < 20
    assert lr_consistency(enforce(wrong, lr, transform), lr, transform) > 45
    implied, cover = project(right, transform, 16)
    assert implied.shape == (16, 16, 3) and cover.min() < 0.5 < cover[8, 8]


def test_enlarging_by_strips_is_enlarging_at_once():
    photo = scene(300, 40, 11).astype(np.uint8)
    whole = Image.fromarray(photo).resize((120, 900), Image.Resampling.LANCZOS)
    assert (np.asarray(enlarge(photo, 3)) == np.asarray(whole)).all()
    assert (np.asarray(enlarge(photo, 1)) == photo).all()
    assert enlarge(photo[..., 0], 2).mode == "L"
    assert fitting_scale(2000, 1333, 4, 200_000_000) == 4
    assert fitting_scale(11_550, 8_660, 4, 200_000_000) == 1


def blobs(*at: tuple[float, float]) -> np.ndarray:
    """float32 (64, 64): a component with its peaks at parts of the side."""
    y, x = np.mgrid[:64, :64]
    return np.max([np.exp(-((x - 64 * u) ** 2 + (y - 64 * v) ** 2) / 8) for u, v in at], 0).astype(np.float32)


def test_components_and_mask_from_heatmaps():
    jaw = [(0.5 + 0.35 * np.cos(t), 0.45 + 0.5 * np.sin(t)) for t in np.linspace(0, np.pi, 17)]
    heat = np.stack([blobs((0.33, 0.36), (0.67, 0.36)), blobs((0.5, 0.55)), blobs((0.5, 0.72)) * 0.1, blobs(*jaw)])
    found = components(heat, np.array([[0.25, 0, 10.0], [0, 0.25, 20.0]]))
    assert [c.visible for c in found] == [True, True, False, True]
    assert found[1].position == pytest.approx((10 + 0.25 * 64, 20 + 0.25 * 70.4), abs=0.3)
    mask = face_mask(heat)
    assert mask.shape == (128, 128) and mask[70, 64] > 0.95
    assert mask[0].max() == mask[-1].max() == mask[:, 0].max() == mask[:, -1].max() == 0
    assert np.abs(np.diff(mask, axis=0)).max() < 0.15  # feathered
    assert face_mask(NOTHING_SEEN)[64, 64] > 0.95


def test_hull_holds_every_point():
    points = np.random.default_rng(0).random((200, 2))
    hull = convex_hull(points)
    edges = np.roll(hull, -1, 0) - hull
    sides = edges[:, None, 0] * (points[None, :, 1] - hull[:, None, 1]) - edges[:, None, 1] * (
        points[None, :, 0] - hull[:, None, 0]
    )
    assert (sides >= -1e-12).all()


@pytest.mark.parametrize(
    "points, hull",
    [
        ([], []),
        ([(3, 4), (3, 4)], [(3, 4)]),
        ([(3, 4), (3, 9), (3, 6)], [(3, 4), (3, 9)]),
        ([(0, 0), (0, 2), (0, 1), (2, 0), (2, 2), (2, 1), (1, 1), (1, 2)], [(0, 0), (2, 0), (2, 2), (0, 2)]),
    ],
)
def test_hulls_of_points_above_one_another(points, hull):
    assert convex_hull(np.array(points, float).reshape(-1, 2)).tolist() == [list(map(float, p)) for p in hull]


def stand_in(lr: np.ndarray) -> SimpleNamespace:
    images = np.stack([np.asarray(Image.fromarray(x).resize((128, 128), Image.Resampling.BICUBIC)) for x in lr])
    n = len(lr)
    return SimpleNamespace(
        images=images, heatmaps=np.zeros((n, 4, 64, 64), np.float32), transforms=np.repeat(IDENTITY[None], n, 0)
    )


def test_what_becomes_of_each_face_is_said():
    photo = scene(200, 300, 12).astype(np.uint8)
    faces = [
        Detection((10, 10, 5, 6)),
        Detection((60, 12, 24, 30)),
        Detection((120, 10, 22, 28)),
        Detection((170, 60, 100, 120)),
        Detection((20, 120, 25, 30)),
    ]
    result = upscale_photo(photo, stand_in, faces, PhotoOptions(faces=(1, 2, 4, 5, 9)))
    assert [f.status for f in result.faces] == ["left", "restored", "left", "restored", "left"]
    reasons = [f.reason for f in result.faces]
    assert reasons[0] == "too small: 6 px < 8" and reasons[2] == "not chosen"
    assert reasons[4].startswith("too large: ")
    assert "there is no face 9" in result.notes[0]
    assert result.image.shape == (800, 1200, 3)
    assert result._repr_png_().startswith(b"\x89PNG")
    assert all(f.lr_consistency > 25 for f in result.restored)


def test_a_transform_no_face_can_have_leaves_the_face():
    def lost(lr):
        result = stand_in(lr)
        result.transforms[:] = np.array([[5.0, 0, 0], [0, 5.0, 0]])
        return result

    photo = scene(80, 80).astype(np.uint8)
    result = upscale_photo(photo, lost, [Detection((20, 20, 24, 30))], PhotoOptions(canvas="lanczos"))
    assert result.faces[0].reason == "the network sees no face there"
    assert (result.image == np.asarray(enlarge(photo, 4))).all()
    assert believable(IDENTITY)
    assert not believable(np.full((2, 3), np.nan))
    assert not believable(np.zeros((2, 3)))


def test_alpha_is_kept_and_huge_photos_are_enlarged_less():
    rgb, alpha = scene(50, 60).astype(np.uint8), np.full((50, 60), 128, np.uint8)
    options = PhotoOptions(max_pixels=50 * 60 * 9)
    result = upscale_photo(DecodedImage(rgb, alpha), stand_in, [], options)
    assert result.image.shape == (150, 180, 4) and (result.image[..., 3] == 128).all()
    assert result.notes[0] == "no face found" and result.notes[1].startswith("enlarged 3 times, not 4")


def test_matrices_agree_with_the_frame():
    square = Frame((30.0, 40.0), (1.0, 0.0), 32.0)
    upright = square.moved(17, 0.95, 0.04, -0.01)
    corners = np.array([[0, 0], [127, 0], [127, 127], [0, 127], [64, 30]])
    through = apply(upright_to_photo(square, transform_between(square, upright)), corners)
    assert through == pytest.approx(upright.to_image(corners, 128))


@pytest.mark.parametrize("shape, size", [((60, 50), (200, 240)), ((200, 240), (50, 60)), ((33, 70), (70, 20))])
def test_small_arrays_are_resized_as_pillow_does(shape, size):
    image = np.random.default_rng(0).uniform(0, 255, (*shape, 3)).astype(np.float32)
    planes = [np.asarray(Image.fromarray(image[..., c]).resize(size, Image.Resampling.BICUBIC)) for c in range(3)]
    np.testing.assert_allclose(resize(image, size), np.stack(planes, -1), atol=1e-3)
    np.testing.assert_allclose(resize(image[..., 0], size), planes[0], atol=1e-3)


@pytest.mark.parametrize("resample", [Image.Resampling.BICUBIC, Image.Resampling.BOX])
@pytest.mark.parametrize("size", [(200, 240), (50, 60), (70, 90)])
def test_planes_are_resized_as_images_are(size, resample):
    image = np.random.default_rng(1).uniform(0, 255, (90, 70, 3)).astype(np.float32)
    planes = resize_planes(np.moveaxis(image, 2, 0), size, resample)
    np.testing.assert_allclose(np.moveaxis(planes, 0, 2), resize(image, size, resample), atol=1e-4)


def test_a_blur_is_three_means_of_boxes():
    image = np.random.default_rng(2).uniform(0, 255, 50).astype(np.float32)
    expected = image.astype(np.float64)
    for _ in range(3):  # sigma 4: boxes of 9 pixels
        expected = np.convolve(np.pad(expected, 4, mode="edge"), np.full(9, 1 / 9), "valid")
    np.testing.assert_allclose(blurring(50, 4.0) @ image, expected, rtol=1e-4)


@pytest.mark.parametrize("side, held", [(100, 1.0), (100, 0.8), (400, 1.0)])  # by matrices; by Pillow
def test_a_window_is_sampled_as_its_region_is(side, held):
    """What is nothing outside of a window has the same samples, and the same comes back of them."""
    window = Window(slice(20, 61), slice(33, 80), (side, side + 20))
    size = (round(held * (side + 20) / 4), round(held * side / 4))
    inside = np.random.default_rng(3).uniform(0, 255, (3, 41, 47)).astype(np.float32)
    whole = np.zeros((3, side, side + 20), np.float32)
    window.of(whole)[:] = inside
    sampling, samples = Sampling(window, size), resize_planes(whole, size)
    np.testing.assert_allclose(sampling.down(inside), sampling.of(samples), atol=1e-3)
    back = window.of(resize_planes(samples, (side + 20, side)))
    np.testing.assert_allclose(sampling.up(sampling.of(samples)), back, atol=1e-3)


def test_products_are_the_same_in_pieces():
    random = np.random.default_rng(4)
    down, planes, across = (random.random(shape, np.float32) for shape in ((310, 300), (4, 300, 280), (290, 280)))
    np.testing.assert_allclose(separable(down, planes, across), down @ planes @ across.T, rtol=1e-4)


@pytest.mark.parametrize("angle, shift", [(0, 0), (30, 10), (-45, 40)])
def test_what_an_output_covers_is_said_by_a_moved_white_square(angle, shift):
    turn = np.radians(angle)
    to_cut = np.array([[np.cos(turn), np.sin(turn), shift / 64], [-np.sin(turn), np.cos(turn), -shift / 128]])
    _, cover = project(np.zeros((128, 128, 3)), to_cut, 32)
    back = inverse(upright_to_cut(to_cut))
    white = warp(np.ones((128, 128), np.float32), back, (128, 128), Image.Resampling.BILINEAR, repeat=False)
    np.testing.assert_allclose(cover, white.reshape(32, 4, 32, 4).mean((1, 3)), atol=1e-4)


def test_three_channels_at_once_are_moved_as_one_by_one():
    """Pillow leaves out what is beyond a whole level; were it to round one day, the mean would say so."""
    image = scene(128, 128, 13).astype(np.uint8)
    matrix = Frame((60.0, 62.0), (1.0, 0.0), 90.0).moved(17, 1.0, 0.03, 0.0).matrix(140)
    one_by_one = transformed(list(np.moveaxis(image, 2, 0).astype(np.float32)), matrix, (140, 140))
    at_once = transformed_rgb(Image.fromarray(image), matrix, (140, 140))
    difference = (at_once - one_by_one)[(one_by_one > 1) & (one_by_one < 254)]
    assert difference.size > 40_000
    assert np.abs(difference).max() <= 0.51 and abs(difference.mean()) < 0.02


class Unrounded:
    """A canvas of floats, as HDR has them: its faces are moved without rounding."""

    def __init__(self, pixels: np.ndarray):
        self.pixels = pixels.astype(np.float32)

    def crop(self, region: tuple[int, int, int, int]) -> np.ndarray:
        left, top, right, bottom = region
        return self.pixels[top:bottom, left:right].copy()

    def put(self, pixels: np.ndarray, corner: tuple[int, int]) -> None:
        left, top = corner
        self.pixels[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels


@pytest.mark.parametrize("side", [20.0, 44.0])  # smaller on the canvas than the network's face, and larger
def test_a_face_moved_in_8_bits_is_the_unrounded_one_to_a_level(side):
    photo = scene(70, 70, 14).astype(np.uint8)
    square = Frame((34.6, 35.2), (1.0, 0.0), side)
    transform = transform_between(square, square.moved(21, 1.03, 0.02, -0.03))
    face = np.clip(scene(128, 128, 15), 30, 225).astype(np.uint8)
    canvas = enlarge(photo, SCALE)
    exact = Unrounded(np.asarray(canvas))
    before = exact.pixels.copy()
    for each in (canvas, exact):
        paste(each, photo, Restored(square, face, NOTHING_SEEN, transform), SCALE)
    assert np.abs(exact.pixels - before).max() > 20
    difference = np.asarray(canvas) - np.clip(exact.pixels, 0, 255)
    assert np.abs(difference).max() <= 2 and np.abs(difference).mean() < 0.3


@pytest.mark.parametrize("size, spread", [(16, 2.0), (32, 2.0), (32, 4.0), (16, 0.8)])
def test_consistency_of_8_bits_is_that_without_rounding(size, spread):
    square = Frame((63.5, 63.5), (1.0, 0.0), 128.0)
    random = np.random.default_rng(16)
    for angle in (0, 11, -33):
        transform = transform_between(square, square.moved(angle, 1.06, 0.02, -0.04))
        face = scene(128, 128, 17).astype(np.uint8)
        lr, _ = project(face, transform, size)
        lr = np.rint(lr + spread * random.standard_normal(lr.shape)).clip(0, 255).astype(np.uint8)
        exact = lr_consistency(face.astype(np.float32), lr, transform)
        assert 30 < exact < 51
        assert lr_consistency(face, lr, transform) == pytest.approx(exact, abs=0.05)


def test_rounding_hides_no_agreement():
    """Flat faces, turned in 8 bits, are off by half a level everywhere: 54 dB, where they agree to the last digit."""
    square = Frame((63.5, 63.5), (1.0, 0.0), 128.0)
    transform = transform_between(square, square.moved(20, 1.0, 0.0, 0.0))
    flat = np.full((128, 128, 3), 77, np.uint8)
    assert lr_consistency(flat, flat[:32, :32], transform) == pytest.approx(99)
    assert lr_consistency(flat, flat[:32, :32] + 3, transform) == pytest.approx(10 * np.log10(255**2 / 9), abs=1.6)
    assert np.isnan(lr_consistency(flat, flat[:32, :32], np.array([[1.0, 0, 9], [0, 1.0, 9]])))
