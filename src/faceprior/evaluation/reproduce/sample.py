"""The packaged portrait, which may be shown to anybody, as a split of faces: the prepared faces mostly may not."""

import json

import numpy as np
import torch
from PIL import Image

from ...dataset.context import CONTEXT, HR, render
from ...dataset.store import FaceStore
from ...face.components import LANDMARKS
from ...face.frame import Frame
from ...runtime.weights import ASSETS


def sample_store(count: int = 4) -> FaceStore:
    """The one portrait under `count` names, each of which the protocol moves differently. It has no landmarks."""
    about = json.loads((ASSETS / "astronaut.json").read_text("utf-8"))
    frame = Frame(tuple(about["frame"]["centre"]), tuple(about["frame"]["right"]), about["frame"]["side"])
    with Image.open(ASSETS / about["file"]) as image:
        context = render(image.convert("RGB"), frame.grown(CONTEXT / HR))
    pixels = torch.from_numpy(np.asarray(context).transpose(2, 0, 1).copy())
    return FaceStore(
        contexts=pixels.expand(count, -1, -1, -1).contiguous(),
        landmarks=torch.full((count, LANDMARKS, 2), CONTEXT / 2),
        visible=torch.zeros(count, LANDMARKS, dtype=torch.bool),
        yaw=torch.zeros(count),
        corners=torch.tensor([(0, 0), (CONTEXT, 0), (CONTEXT, CONTEXT), (0, CONTEXT)]).float().expand(count, -1, -1),
        names=[f"sample-{k}" for k in range(count)],
        sources=["sample"] * count,
        persons=["sample"] * count,
    )
