"""Pictures read by several threads of a program leave it as it was: its warnings, Pillow's limit."""

import io
import threading
import warnings

import numpy as np
from PIL import Image

from faceprior.photo.decode import any_number_of_pixels, read_bytes
from faceprior.photo.process import Shared


def overlapping(enter, leave) -> None:
    """One thread comes first and goes first, another comes second and goes last."""
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def first():
        enter(0)
        first_in.set()
        second_in.wait(10)
        leave(0)
        first_out.set()

    def second():
        first_in.wait(10)
        enter(1)
        second_in.set()
        first_out.wait(10)
        leave(1)

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_limit_of_pixels_is_back_after_two_threads_lifted_it():
    """It stayed lifted for ever, for the program's other pictures, too."""
    before = Image.MAX_IMAGE_PIXELS
    lifted = [any_number_of_pixels(), any_number_of_pixels()]
    try:
        overlapping(lambda i: lifted[i].__enter__(), lambda i: lifted[i].__exit__(None, None, None))
        assert before == Image.MAX_IMAGE_PIXELS
    finally:
        Image.MAX_IMAGE_PIXELS = before


def test_a_programs_warnings_are_heard_after_threads_read_pictures(monkeypatch):
    """Two decodings that overlapped left every warning of the process ignored."""
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, "PNG")
    from faceprior.photo import decode

    real, turn = decode._decode, threading.local()
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def waiting(*arguments, **more):
        if turn.number == 0:
            first_in.set()
            second_in.wait(10)
        else:
            second_in.set()
            first_out.wait(10)
        return real(*arguments, **more)

    def read(number):
        turn.number = number
        if number == 1:
            first_in.wait(10)
        read_bytes(stream.getvalue(), "a picture")
        first_out.set()

    monkeypatch.setattr(decode, "_decode", waiting)
    with warnings.catch_warnings():
        before = list(warnings.filters)
        threads = [threading.Thread(target=read, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert warnings.filters == before


def test_what_fails_within_is_put_back_too():
    said = []

    class Change:
        def __enter__(self):
            said.append("made")

        def __exit__(self, *error):
            said.append(error)

    shared = Shared(Change)
    for _ in range(2):
        try:
            with shared, shared:
                raise KeyError
        except KeyError:
            pass
    assert said == ["made", (None, None, None)] * 2
