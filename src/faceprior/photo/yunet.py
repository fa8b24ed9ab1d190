"""YuNet, the face detector, run by ONNX Runtime.

OpenCV has the same network as `FaceDetectorYN`, but its wheel weighs as much as half of this program's whole
installation, and ONNX Runtime is there already. What is added here is the decoding of the outputs. On both
development photos, at 1x to 4x, the two agree to 0.0002 px in every box and point, and take the same time
(`tests/photo/test_yunet.py` checks it where OpenCV is installed).

Yu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023; weights: MIT licence.
"""

from pathlib import Path

import numpy as np

from ..errors import FacepriorError
from ..runtime.threads import thread_count
from .boxes import Detection, suppress
from .opinion import stands
from .tiles import search, turned_back
from .turned import Scores, find

STRIDES = (8, 16, 32)
# On shrunk copies of the development photos (52 faces, box heights of 8 to 24 px), enlarged 2x: 0.7 finds 49
# of 52 at 10 px and all from 12 px up, with no false box; 0.6 one more, and a false one; 0.8 only 41 at 10 px.
THRESHOLD = 0.7
# Enlarged 3x, faces of 8 px are found too (48 of 52, against 41), for 2.25 times the time.
SMALL_PHOTO = 600_000  # pixels
FAINT = 0.2  # a threshold for second opinions
SCORES = Scores(sure=0.9, least=0.85, none=0.6)


class YuNet:
    """`detector(rgb)` -> the faces of a photo, from box heights of about 8 px to the whole picture."""

    name = "yunet"

    def __init__(
        self,
        weights: str | Path,
        *,
        threshold: float = THRESHOLD,
        any_turn: bool = False,  # look also for faces turned by 90, 180 and 270 degrees: four times the time
        auto_turn: bool = True,  # notice a photo that lies on its side as a whole (`turned.py`)
        second_opinion: bool = True,  # leave out what is not found again (`opinion.py`)
        threads: int | None = None,
    ):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = thread_count(threads)
        try:
            self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
            self._outputs = [f"{kind}_{s}" for s in STRIDES for kind in ("cls", "obj", "bbox", "kps")]
            self._input = self._session.get_inputs()[0].name
            missing = set(self._outputs) - {output.name for output in self._session.get_outputs()}
            shape = self._session.get_inputs()[0].shape
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise FacepriorError(f"{weights}: not a detector that ONNX Runtime loads ({reason})") from None
        if missing or isinstance(shape[2], int) or isinstance(shape[3], int):
            raise FacepriorError(
                f"{weights}: not YuNet of 2026 (face_detection_yunet_2026may.onnx): "
                + ("its outputs differ" if missing else "its input size is fixed")
            )
        self.threshold, self.any_turn, self.auto_turn = threshold, any_turn, auto_turn
        self.second_opinion = second_opinion

    def __call__(self, rgb: np.ndarray, *, zoom: int | None = None) -> list[Detection]:
        """uint8 (H, W, 3) -> the faces, best score first. `zoom`: enlargement before the search; None chooses."""
        small = rgb.shape[0] * rgb.shape[1] <= SMALL_PHOTO
        full = zoom or (3 if small else 2)

        def look(turn: int, zoom: int | None) -> list[Detection]:
            # rot90 turns the picture counter-clockwise: a face turned clockwise comes upright.
            rows = search(np.rot90(rgb, turn), self.tile, zoom or full)
            return [turned_back(row, turn, rgb.shape[0], rgb.shape[1]) for row in rows]

        quick = None if small else 1
        found = find(look, SCORES, any_turn=self.any_turn, auto_turn=self.auto_turn, quick=quick)
        if not self.second_opinion:
            return found
        return [face for face in found if stands(rgb, face, lambda patch: self.tile(patch, FAINT))]

    def tile(self, rgb: np.ndarray, threshold: float | None = None) -> np.ndarray:
        """uint8 (H, W, 3) as it is -> float32 (N, 15) as FaceDetectorYN: x, y, w, h, five points, score."""
        height, width = rgb.shape[:2]
        padded_h, padded_w = -(-height // STRIDES[-1]) * STRIDES[-1], -(-width // STRIDES[-1]) * STRIDES[-1]
        image = np.empty((1, 3, padded_h, padded_w), np.float32)
        image[0, :, :height, :width] = rgb[..., ::-1].transpose(2, 0, 1)  # BGR, 0..255
        image[..., height:, :], image[..., width:] = 0, 0
        values = self._session.run(self._outputs, {self._input: image})
        outputs = dict(zip(self._outputs, values, strict=True))
        least = self.threshold if threshold is None else threshold
        rows = [self._decode(outputs, stride, padded_w // stride, least) for stride in STRIDES]
        found = np.concatenate(rows)
        return found[suppress(found[:, :4], found[:, 14], inside=1.0)]

    def _decode(self, outputs: dict[str, np.ndarray], stride: int, columns: int, threshold: float) -> np.ndarray:
        """Anchors of one stride, by rows of a grid with `columns`; offsets count in strides, sizes in logs."""
        face, there = (np.clip(outputs[f"{kind}_{stride}"][0, :, 0], 0, 1) for kind in ("cls", "obj"))
        score = np.sqrt(face * there)
        kept = np.flatnonzero(score >= threshold)
        grid = np.stack([kept % columns, kept // columns], -1).astype(np.float32)
        box = outputs[f"bbox_{stride}"][0, kept]
        centre, size = (grid + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride
        points = (outputs[f"kps_{stride}"][0, kept].reshape(-1, 5, 2) + grid[:, None]) * stride
        return np.column_stack([centre - size / 2, size, points.reshape(-1, 10), score[kept]])
