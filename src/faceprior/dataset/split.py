"""Which split a person belongs to: a stable hash, so that nobody is in two and no other source matters."""

import hashlib

TEST = 0.20
VAL = 0.04  # of all persons, that is 5 % of the 80 % that are not tested


def split_of(source: str, person: str, salt: str = "") -> str:
    """ "train", "val" or "test" of a person of a source. Another `salt` deals anew."""
    key = "\0".join((salt, source, person)).encode()
    part = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) / 2**64
    return "test" if part < TEST else "val" if part < TEST + VAL else "train"
