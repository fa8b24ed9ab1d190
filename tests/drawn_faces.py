"""Faces drawn from the package's own 3D mean face: landmarks at any pose, known exactly, and a picture to match."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from faceprior.dataset.split import split_of
from faceprior.face.pose import mean_face, rotation

SCALE = 52.0  # pixels an eye distance: a frame of about 150 px


def turned_face(
    yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, *, scale: float = SCALE, centre=(120.0, 110.0)
) -> np.ndarray:
    """Landmarks float64 (68, 2) of the mean face: pose in degrees, `scale` pixels an eye distance."""
    return (mean_face() @ rotation(yaw, pitch, roll).T)[:, :2] * scale + centre


def draw_face(landmarks: np.ndarray, size: tuple[int, int] = (240, 260), seed: int = 0) -> Image.Image:
    """RGB picture of 68 landmarks: a head, brows, eyes, a nose and lips in colours of `seed`, on a ramp."""
    rng = np.random.default_rng(seed)
    w, h = size
    ramp = np.linspace(0, 1, w)[None, :, None] * rng.uniform(40, 160, 3) + np.linspace(0, 1, h)[:, None, None] * 60
    image = Image.fromarray(ramp.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    p = [tuple(map(float, xy)) for xy in landmarks]
    skin = rng.uniform((150, 100, 70), (250, 210, 190))
    colour = lambda c: tuple(int(x) for x in np.clip(c, 0, 255))  # noqa: E731
    eyes = landmarks[36:48].mean(0)
    chin = landmarks[8]
    brow_line = landmarks[[0, 16]] - 0.55 * (chin - eyes)
    draw.polygon([*p[:17], tuple(brow_line[1]), tuple(brow_line[0])], fill=colour(skin))
    for brow in (p[17:22], p[22:27]):
        draw.line(brow, fill=colour(skin * 0.35), width=5, joint="curve")
    for eye in (p[36:42], p[42:48]):
        draw.polygon(eye, fill=(240, 240, 240), outline=(40, 30, 30))
        x, y = np.mean(eye, 0)
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour(rng.uniform(20, 110, 3)))
    draw.line(p[27:31], fill=colour(skin * 1.1), width=4)
    draw.line(p[31:36], fill=colour(skin * 0.6), width=4, joint="curve")
    draw.polygon(p[48:60], fill=colour(rng.uniform((140, 40, 50), (210, 90, 100))))
    draw.polygon(p[60:68], fill=(70, 20, 25))
    return image.filter(ImageFilter.GaussianBlur(0.7))


def write_pts(path: Path, landmarks: np.ndarray) -> None:
    """An iBUG file, counted from 1."""
    rows = "\n".join(f"{x + 1:.4f} {y + 1:.4f}" for x, y in landmarks)
    path.write_text(f"version: 1\nn_points: {len(landmarks)}\n{{\n{rows}\n}}\n", encoding="ascii")


def draw_folder(folder: Path, splits: dict[str, int], seed: int = 0) -> None:
    """Images with .pts, one a person, with yaws to 50 degrees; `splits` says how many fall into each split."""
    folder.mkdir(parents=True)
    left, rng, i = dict(splits), np.random.default_rng(seed), 0
    while any(left.values()):
        i += 1
        name = f"face-{i:04d}.png"  # no _NUMBER: each is its own person
        split = split_of(folder.name, name)
        if not left.get(split):
            continue
        left[split] -= 1
        pose = rng.uniform((-50, -15, -20), (50, 15, 20))
        landmarks = turned_face(*pose, scale=SCALE * rng.uniform(0.9, 1.15)) + rng.normal(0, 0.4, (68, 2))
        draw_face(landmarks, seed=i).save(folder / name)
        write_pts((folder / name).with_suffix(".pts"), landmarks)
