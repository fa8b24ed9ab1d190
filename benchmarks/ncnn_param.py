"""What an ncnn `.param` file says of its network: the blobs to fill and to take, how far it enlarges, what it costs."""

import math
from dataclasses import dataclass
from pathlib import Path

MAGIC = "7767517"  # the first line of every such file


@dataclass(frozen=True)
class Graph:
    given: str  #     the blob of the picture
    made: str  #      the blob of the result
    times: float  #   sides of the result / sides of the picture
    products: int  #  multiplications of its convolutions for a pixel of the picture


def read(path: Path) -> Graph | None:
    """None where it is no network of convolutions with one picture in and one out."""
    lines = path.read_text("utf-8").splitlines()
    if not lines or lines[0].strip() != MAGIC:
        return None
    times: dict[str, float] = {}  # of every blob
    given, taken, products = [], set(), 0.0
    for words in (line.split() for line in lines[2:] if line.strip()):
        kind, inputs, outputs = words[0], int(words[2]), int(words[3])
        blobs, options = (
            words[4 : 4 + inputs + outputs],
            dict(word.split("=", 1) for word in words[4 + inputs + outputs :]),
        )
        sources, results = blobs[:inputs], blobs[inputs:]
        known = [times[blob] for blob in sources if not math.isnan(times[blob])]
        scale = max(known, default=math.nan)  # constants have none
        if kind == "Input":
            given += results
            scale = 1.0
        elif kind == "PixelShuffle":
            scale *= int(options["0"])
        elif kind == "Interp":
            scale *= float(options.get("1", 0))  # 0: to a size of its own, of which nothing is known
        elif kind in ("Convolution", "ConvolutionDepthWise"):
            scale /= int(options.get("3", 1))
            products += int(options["6"]) * scale**2
        elif kind in ("Deconvolution", "DeconvolutionDepthWise"):
            products += int(options["6"]) * scale**2
            scale *= int(options.get("3", 1))
        elif kind in ("InnerProduct", "Pooling", "Permute"):
            return None
        taken.update(sources)
        times.update(dict.fromkeys(results, scale))
    made = [blob for blob in times if blob not in taken]
    if len(given) != 1 or len(made) != 1 or not times[made[0]] > 0:
        return None
    return Graph(given[0], made[0], times[made[0]], round(products))
