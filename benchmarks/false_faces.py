"""What the second opinion of photo/opinion.py costs and saves: pictures without a face, and photos with faces.

    python benchmarks/false_faces.py --detector-weights yunet.onnx --without textures/ --with groups/

Every image below the two folders, as it is and reduced to a half and a quarter. Prints how many faces YuNet finds
without a second opinion and how many of them stand: of --without all are false, so few should; of --with nearly all
are true (look at what falls: --sheet writes them).
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from faceprior.photo.cut import cut, face_frame
from faceprior.photo.decode import read_image
from faceprior.photo.kinds import SUFFIXES
from faceprior.photo.opinion import LEAST, SURE, opinion
from faceprior.photo.yunet import FAINT, YuNet

SCALES = (1.0, 0.5, 0.25)
CELL = 96


def pictures(folder: Path):
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        image = Image.fromarray(read_image(path).rgb)
        for scale in SCALES:
            size = tuple(max(1, round(v * scale)) for v in image.size)
            if min(size) >= 32:
                yield np.asarray(image if scale == 1 else image.resize(size, Image.Resampling.LANCZOS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector-weights", type=Path, required=True)
    parser.add_argument("--without", type=Path, required=True, help="folder of pictures without a face")
    parser.add_argument("--with", dest="faces", type=Path, required=True, help="folder of photos with faces")
    parser.add_argument("--sheet", type=Path, help="PNG of what falls in the photos with faces")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    detector = YuNet(given.detector_weights, threads=given.threads, auto_turn=False, second_opinion=False)
    print(f"{'':<10}{'pictures':>9}{'found':>7}{'stand':>7}{'fall':>8}")
    for name, folder in (("no face", given.without), ("faces", given.faces)):
        count, found, fallen = 0, 0, []
        for rgb in pictures(folder):
            count += 1
            for face in detector(rgb):
                found += 1
                if face.score < SURE and opinion(rgb, face, lambda patch: detector.tile(patch, FAINT)) < LEAST:
                    fallen.append(cut(rgb, face_frame(face), CELL, Image.Resampling.BICUBIC))
        part = f"{len(fallen) / found:.1%}" if found else "-"
        print(f"{name:<10}{count:>9}{found:>7}{found - len(fallen):>7}{part:>8}", flush=True)
    if given.sheet and fallen:
        sheet = Image.new("RGB", (CELL * min(12, len(fallen)), CELL * -(-len(fallen) // 12)))
        for i, patch in enumerate(fallen):
            sheet.paste(Image.fromarray(patch), (i % 12 * CELL, i // 12 * CELL))
        sheet.save(given.sheet)


if __name__ == "__main__":
    main()
