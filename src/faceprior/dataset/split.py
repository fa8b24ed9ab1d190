"""Which split a person belongs to: a stable hash, so that nobody is in two and no other source matters."""

import hashlib
from collections.abc import Iterable

TEST = 0.20
VAL = 0.04  # of all persons, that is 5 % of the 80 % that are not tested


Persons = dict[tuple[str, str], str]  # (source, person) -> split


def split_of(source: str, person: str, salt: str = "") -> str:
    """ "train", "val" or "test" of a person of a source. Another `salt` deals anew."""
    part = _part(source, person, salt)
    return "test" if part < TEST else "val" if part < TEST + VAL else "train"


def deal(persons: Iterable[tuple[str, str]], salt: str = "") -> tuple[Persons, tuple[str, str] | None]:
    """Each (source, person)'s split; and who validates though `split_of` says train, or None.

    Of few people nobody may fall into "val", and a run could not see whether it learns. Then the one who came nearest
    validates, if anybody is left to train on. Nobody moves into or out of "test".
    """
    splits = {who: split_of(*who, salt) for who in persons}
    trained = [who for who, split in splits.items() if split == "train"]
    if "val" in splits.values() or len(trained) < 2:
        return splits, None
    nearest = min(trained, key=lambda who: (_part(*who, salt), who))
    return {**splits, nearest: "val"}, nearest


def _part(source: str, person: str, salt: str) -> float:
    """In [0, 1)."""
    key = "\0".join((salt, source, person)).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) / 2**64
