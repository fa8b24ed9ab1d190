"""The curve through which a detector and a network see PQ: BT.2100's own values, its inverse, no step."""

import numpy as np
import pytest

from faceprior.video.colour import HLG, PQ
from faceprior.video.curve import hlg_to_pq, pq_to_hlg, seen_as, signal_of


def test_known_lights():
    # PQ of 203 and 1000 cd/m2 (BT.2408, table 1: 58 % and 75 %); HLG's reference white and peak: 75 % and 100 %.
    assert pq_to_hlg(np.array([0.0, 0.5806, 0.7518])) == pytest.approx([0.0, 0.75, 1.0], abs=2e-3)
    assert hlg_to_pq(np.array([0.0, 0.75, 1.0])) == pytest.approx([0.0, 0.5806, 0.7518], abs=2e-3)


@pytest.mark.parametrize("transfer", [PQ, HLG, 1])
def test_what_is_seen_goes_back_to_the_same_signal(transfer):
    seen = seen_as(transfer)
    assert seen[0] == pytest.approx(0, abs=0.01) and (np.diff(seen) >= 0).all()
    back = signal_of(seen, transfer)
    # Ten bits have 64 values of sixteen bits to a step; the darkest of PQ are no light at all in HLG.
    first = 2000 if transfer == PQ else 0
    assert np.abs(back[first:].astype(int) - np.arange(65536)[first:]).max() <= 16


def test_white_is_white_and_brighter_light_is_kept():
    assert seen_as(HLG)[65535] == 255 and 255 < seen_as(PQ)[65535] < 350
    assert signal_of(np.array([400.0, -5.0]), PQ).tolist() == [65535, signal_of(np.array([0.0]), PQ)[0]]
