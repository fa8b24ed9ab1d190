"""A key that is none: the ones that may have been meant."""

from difflib import get_close_matches

MOST = 4


def near_keys(place: str, known: dict[str, list[str]]) -> str:
    """`place`: section.key, or a section alone; `known`: section -> its keys. -> "; did you mean loss.pixel?"

    The same key of another section comes first, then keys that look alike in its own, then those elsewhere; where none
    is near, all of the section.
    """
    section, _, key = place.partition(".")
    if section not in known:
        found = [f"{s}.{key}" for s, keys in known.items() if key and key in keys]
        found += get_close_matches(section, known, MOST) or ([] if found else list(known))
        return f"; did you mean {_listed(found[: max(MOST, len(known))])}?"
    found = [f"{s}.{key}" for s, keys in known.items() if key in keys]
    own = known[section]
    found += [f"{section}.{k}" for k in get_close_matches(key, own, MOST, 0.55)]
    found += [f"{section}.{k}" for k in own if len(key) > 2 and (key in k or k in key)]
    others = {k: s for s, keys in known.items() if s != section for k in keys}
    found += [f"{others[k]}.{k}" for k in get_close_matches(key, others, 2, 0.75)]
    found = list(dict.fromkeys(found))[:MOST]
    return f"; did you mean {_listed(found)}?" if found else f"; {section} has {', '.join(own)}"


def near_names(name: str, known: list[str]) -> str:
    """"; did you mean standard?" or nothing."""
    found = get_close_matches(name, known, 3) or [k for k in known if k.rpartition("/")[2] == name]
    return f"; did you mean {_listed(found[:3])}?" if found else ""


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0]
