"""Identity: does a face-embedding network take the output for the person of the HR?

The network is any ONNX file that maps aligned 112x112 faces (N, 3, 112, 112) to embeddings. Its input follows a
question mark: `net.onnx?norm=imagenet|half|unit&colour=rgb|bgr` (half: [-1, 1], the ArcFace habit; unit: [0, 1]).
Without it: RGB, `imagenet`, which is what MobileFaceNet (Apache-2.0) wants; half is as good there within the noise.
"""

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..face.components import LEFT_EYE, RIGHT_EYE
from .onnxfile import OnnxFile
from .outside import split_options

SIZE = 112
NORMS = {  # mean and deviation of levels / 255
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5,) * 3, (0.5,) * 3),
    "unit": ((0.0,) * 3, (1.0,) * 3),
}
# ArcFace's five points in the 112x112 face: eye on the left of the image, on the right, nose tip, mouth corners.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
NOSE_TIP, MOUTH = 30, (48, 54)
IMPOSTORS = 50  # other people's faces that each output is compared with


class IdentityNetwork:
    """Embeds upright faces; unit-length rows."""

    def __init__(self, spec: str, device: str = "auto"):
        path, options = split_options(spec, ("norm", "colour"))
        norm = options.get("norm", "imagenet")
        if norm not in NORMS:
            raise FacepriorError(f"{spec}: norm={norm}; expected {', '.join(NORMS)}")
        self.mean, self.deviation = (np.array(v, np.float32) for v in NORMS[norm])
        self.bgr = options.get("colour") == "bgr"
        self.file = OnnxFile(path, device)
        self.name, self.sha256 = path.name, self.file.sha256
        shape = self.file.inputs[0].shape
        if len(self.file.inputs) != 1 or len(shape) != 4 or shape[1] != 3 or shape[2:] != [SIZE, SIZE]:
            raise FacepriorError(f"{path}: input has shape {shape}; expected one of (N, 3, {SIZE}, {SIZE})")
        self.batch = shape[0] if isinstance(shape[0], int) else None

    def __call__(self, images: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Upright uint8 (N, 128, 128, 3), landmarks (N, 68, 2) in HR pixels -> float32 (N, D), rows of length 1.

        NaN where the landmarks fit no similarity.
        """
        faces = np.stack([align(image, points) for image, points in zip(images, landmarks, strict=True)])
        x = (faces.astype(np.float32) / 255 - self.mean) / self.deviation
        x = np.ascontiguousarray((x[..., ::-1] if self.bgr else x).transpose(0, 3, 1, 2), dtype=np.float32)
        vectors = next(iter(self.file.run(x, self.batch).values())).reshape(len(x), -1)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        usable = np.array([np.isfinite(fit_similarity(TEMPLATE, five_points(p))).all() for p in landmarks])
        return np.where(usable[:, None], vectors / np.maximum(length, 1e-9), np.nan)


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """68 landmarks (68, 2) -> (5, 2) in the template's order."""
    p = np.asarray(landmarks, np.float64)
    return np.stack([p[list(RIGHT_EYE)].mean(0), p[list(LEFT_EYE)].mean(0), p[NOSE_TIP], p[MOUTH[0]], p[MOUTH[1]]])


def fit_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The least-squares similarity source (K, 2) -> target (K, 2), as (2, 3); NaN for points that have none."""
    s, t = source - source.mean(0), target - target.mean(0)
    norm = (s * s).sum()
    if not np.isfinite(t).all() or norm < 1e-9 or (t * t).sum() < 1e-6:
        return np.full((2, 3), np.nan)
    a = (s * t).sum() / norm
    b = (s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]).sum() / norm
    m = np.array([[a, -b], [b, a]])
    return np.column_stack([m, target.mean(0) - m @ source.mean(0)])


def align(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3), landmarks (68, 2) -> uint8 (112, 112, 3), ArcFace's crop; black where they fit none."""
    m = fit_similarity(TEMPLATE, five_points(landmarks))
    if not np.isfinite(m).all():
        return np.zeros((SIZE, SIZE, 3), np.uint8)
    m[:, 2] += 0.5 - m[:, :2] @ np.full(2, 0.5)  # Pillow counts from corners, the landmarks from pixel centres
    how = Image.Transform.AFFINE, tuple(m.ravel()), Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).transform((SIZE, SIZE), *how))


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Unit rows (N, D) and (N, D) -> (N,) cosine similarities."""
    return (a * b).sum(1)


def verification_auc(outputs: np.ndarray, truths: np.ndarray, persons: list[str]) -> float:
    """Area under the ROC curve of telling an output's own HR from HR faces of other people.

    Embeddings (N, D) each; every output meets up to `IMPOSTORS` others, evenly spread. 0.5 is chance.
    """
    genuine, impostors = cosine(outputs, truths), []
    who, n = np.array(persons), len(persons)
    for step in sorted(set(np.linspace(1, n - 1, min(IMPOSTORS, n - 1)).round().astype(int))) if n > 1 else ():
        other = (np.arange(n) + step) % n
        impostors.append(cosine(outputs, truths[other])[who != who[other]])
    return auc(genuine, np.concatenate(impostors) if impostors else np.empty(0))


def network_auc(truths: np.ndarray, persons: list[str]) -> float:
    """The same for the real faces: two photos of one person against two people. Checks the network."""
    who, same, other = np.array(persons), [], []
    for i in range(len(who) - 1):
        score = truths[i + 1 :] @ truths[i]
        match = who[i + 1 :] == who[i]
        same.append(score[match])
        other.append(score[~match][:: max(1, len(who) // IMPOSTORS)])
    return auc(np.concatenate(same), np.concatenate(other)) if same else float("nan")


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """The chance that a positive scores above a negative, ties half; NaN where either is empty."""
    positive, negative = positive[np.isfinite(positive)], np.sort(negative[np.isfinite(negative)])
    if not len(positive) or not len(negative):
        return float("nan")
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.mean() / 2 / len(negative))
