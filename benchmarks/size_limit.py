"""At which size does a face gain nothing from the network? Measured through the whole paste, on prepared faces.

    python benchmarks/size_limit.py --shards DIR [--model MODEL] [--split val] [--faces 200] [--jpeg 90] [--sizes 16 32]

A face of the split, reduced until its frame is S pixels wide, stands for a face in a photo. It is cut with the
errors of a detector (shift of 4 %, scale of 8 %, standard deviations), restored, and pasted into the photo
enlarged by the largest whole scale whose face is not larger than the truth (128 px). PSNR and SSIM where the
mask of the true landmarks' ellipse lies, for plain Lanczos and for `keep_detail` of 0 to 1 and by default.
"""

import argparse
import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchmetrics.functional.image import structural_similarity_index_measure

from faceprior.dataset.context import CONTEXT, HR
from faceprior.dataset.store import FaceStore
from faceprior.face.frame import Frame
from faceprior.photo.cut import cut_lr
from faceprior.photo.enlarge import enlarge
from faceprior.photo.paste import Restored, paste
from faceprior.runtime.upscaler import load

SIZES = [10, 12, 16, 20, 24, 32, 42, 64]
KEEPS = (0.0, 0.25, 0.5, 0.75, 1.0, None)
SHIFT, SCALE = 0.04, 0.08


def photo_of(context: np.ndarray, size: int, jpeg: int | None) -> np.ndarray:
    """uint8 (224, 224, 3) -> (1.75 S, 1.75 S, 3): the face with its surroundings, its frame `size` wide."""
    n = round(CONTEXT * size / HR)
    image = Image.fromarray(context).resize((n, n), Image.Resampling.BICUBIC)
    if jpeg is not None:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=jpeg)
        image = Image.open(stream)
    return np.asarray(image)


def scores(output: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """PSNR in dB and SSIM of uint8 (H, W, 3) where `inside` (H, W) holds."""
    error = np.mean((output.astype(np.float64) - truth)[inside] ** 2)
    a, b = (torch.from_numpy(x.astype(np.float32)).permute(2, 0, 1)[None] for x in (output, truth))
    _, full = structural_similarity_index_measure(
        a, b, data_range=255.0, return_full_image=True, gaussian_kernel=True, sigma=1.5
    )
    return 10 * np.log10(255**2 / max(error, 1e-3)), float(full[0].mean(0).numpy()[inside].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="what `faceprior prepare` wrote")
    parser.add_argument("--model", help="as for `faceprior upscale`; the default model")
    parser.add_argument("--split", default="val")
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--jpeg", type=int, help="quality at which the photo was stored; none")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    store = FaceStore.load(arguments.shards, arguments.split, limit=arguments.faces)
    contexts = store.contexts.permute(0, 2, 3, 1).numpy()
    network = load(arguments.model, threads=arguments.threads)
    print(f"{len(contexts)} faces of {arguments.split}, model {network.info.name}, jpeg {arguments.jpeg}")
    print("size scale  " + "".join(f"{name:>16}" for name in ("lanczos", *(f"keep {k}" for k in KEEPS))))
    for size in arguments.sizes:
        random = np.random.default_rng(size)
        scale = max(1, min(8, HR // size))
        photos = [photo_of(context, size, arguments.jpeg) for context in contexts]
        middle = (photos[0].shape[0] - 1) / 2
        true_side = HR * photos[0].shape[0] / CONTEXT
        frames = []
        for _ in photos:
            centre = middle + true_side * SHIFT * random.standard_normal(2)
            side = true_side * np.exp(SCALE * random.standard_normal())
            frames.append(Frame((float(centre[0]), float(centre[1])), (1.0, 0.0), float(side)))
        result = network(np.stack([cut_lr(p, f) for p, f in zip(photos, frames, strict=True)]))

        n = photos[0].shape[0] * scale
        y, x = (np.mgrid[:n, :n] - (n - 1) / 2) / (true_side * scale)
        inside = (x / 0.33) ** 2 + ((y - 0.06) / 0.42) ** 2 <= 1
        rows: dict[object, list[tuple[float, float]]] = {}
        for i, photo in enumerate(photos):
            truth = np.asarray(Image.fromarray(contexts[i]).resize((n, n), Image.Resampling.BICUBIC))
            plain = enlarge(photo, scale)
            rows.setdefault("lanczos", []).append(scores(np.asarray(plain), truth, inside))
            face = Restored(frames[i], result.images[i], result.heatmaps[i], result.transforms[i])
            for keep in KEEPS:
                canvas = plain.copy()
                paste(canvas, photo, face, scale, keep_detail=keep)
                rows.setdefault(keep, []).append(scores(np.asarray(canvas), truth, inside))
        means = {key: np.mean(values, 0) for key, values in rows.items()}
        print(f"{size:4d} {scale:5d}  " + "".join(f"{p:9.2f} {s:6.4f}" for p, s in means.values()), flush=True)


if __name__ == "__main__":
    main()
