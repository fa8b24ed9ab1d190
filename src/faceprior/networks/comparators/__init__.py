"""The systems that the paper compares with (its Table 1), one file each, behind one interface.

Every one takes the unaligned LR (B, 3, 16, 16) in [-1, 1] and gives an `MTUNOutput`; those that want an aligned LR
hold a frozen STN0 in front. A class is imported when it is asked for, not before.
"""

from importlib import import_module

_CLASSES = {
    "stn0": ("stn0", "STN0"),
    "vdsr": ("vdsr", "VDSR"),
    "srgan": ("srgan", "SRGAN"),
    "cbn": ("cbn", "CBN"),
    "tdae": ("tdae", "TDAE"),
    "ma": ("ma", "PositionPatches"),
    "nn": ("neighbour", "NearestNeighbour"),
}
KINDS = tuple(_CLASSES)


def network_class(kind: str) -> type:
    """The network of a kind. KeyError for one that is none of `KINDS`."""
    module, name = _CLASSES[kind]
    return getattr(import_module(f".{module}", __name__), name)
