"""What the CPU can do that decides how a model is computed."""

import platform
import re
from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_DOT = re.compile(r"^(?:flags|Features)\s*:.*\b(?:avx512_vnni|avx_vnni|asimddp)\b", re.MULTILINE)


@cache
def fast_int8() -> bool:
    """Whether it multiplies int8 and sums in 32 bits in one step (VNNI on x86, the dot product on Arm).

    Without, ONNX Runtime's int8 products are slow, or sum in 16 bits, which overflow. Where it cannot be told
    (Windows, a Mac of before 2020): False, and all is computed in floats.
    """
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    try:
        return _DOT.search(_CPUINFO.read_text("ascii", "replace")) is not None
    except OSError:
        return False
