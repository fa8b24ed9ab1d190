"""Options of `POST /upscale` that are too many: what is said names the limit."""

import json

import pytest

pytest.importorskip("starlette")

from faceprior.web.limits import Limits, Refused
from faceprior.web.openapi import description
from faceprior.web.wanted import FIELDS, MOST_BOXES, parse

BOX = [10, 5, 24, 24]


def test_more_boxes_than_are_taken():
    assert len(parse({"boxes": json.dumps([BOX] * MOST_BOXES)}, Limits()).boxes) == MOST_BOXES
    with pytest.raises(Refused, match=r"^boxes: 1,001 of them; expected 1,000 at most$") as error:
        parse({"boxes": json.dumps([BOX] * (MOST_BOXES + 1))}, Limits())
    assert error.value.status == 400
    with pytest.raises(Refused, match=r"boxes: not a value of this option.*at most 1,000"):
        parse({"boxes": "{}"}, Limits())


def test_the_description_names_the_limit():
    assert "at most 1,000" in FIELDS["boxes"].about
    assert "at most 1,000" in json.dumps(description(Limits()))
