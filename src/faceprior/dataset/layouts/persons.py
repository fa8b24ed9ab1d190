"""Who is on a picture, from its file name.

Rule `name`: the stem without its trailing `_digits`. It joins the frames of one person (`Adrian_Nastase_40`,
as LFW and YouTube Faces name theirs) and the faces of one photo (`100032540_1`, as Helen and AFW do).
Rule `image`: every picture is its own person.
Rule `auto`: `name` where what is left is a number or a capitalised name of two words or more, else `image`;
so `indoor_001` and `image_0007` stay apart.
"""

import re
from pathlib import PurePosixPath

RULES = ("auto", "name", "image")

_NUMBERED = re.compile(r"^(.+)_\d+$")
_GROUP = re.compile(r"^(\d+|[^\W\d_a-z][^_]*(_[^_]+)+)$")


def person_of(name: str, rule: str = "auto") -> str:
    """The image's name (a path with "/") -> the person's key within the source."""
    path = PurePosixPath(name)
    numbered = _NUMBERED.match(path.stem)
    if rule != "image" and numbered and (rule == "name" or _GROUP.match(numbered[1])):
        return str(path.with_name(numbered[1]))
    return name
