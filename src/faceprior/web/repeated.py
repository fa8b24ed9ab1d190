"""Options of a request as they came, name by name: none is left out in silence."""

from collections.abc import Iterable

from .limits import Refused
from .wanted import FIELDS

LISTS = ("faces",)  # what may come number by number, as forms send lists


def each_once(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names and texts as they stand in an address or a form -> the options of it. `faces=1&faces=3` is `faces=1,3`.

    Refused where another option is given twice; what is no option is kept, for `parse` to name it.
    """
    options: dict[str, str] = {}
    for name, text in given:
        if name in options and name in LISTS:
            text = f"{options[name]},{text}"
        elif name in options and name in FIELDS:
            raise Refused(400, f"{name}: given twice; give it once")
        options[name] = text
    return options
