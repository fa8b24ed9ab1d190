"""The one-euro filter (Casiez, Roussel, Vogel, CHI 2012): calm while a face rests, quick while it moves."""

import math

import numpy as np


class OneEuro:
    """Call it with a value (N,) and its time; all N share one cutoff, so that a shape stays the same shape.

    slowest: cutoff in Hz of what rests; quickening: Hz more for each unit a second that the value moves by.
    """

    def __init__(self, slowest: float, quickening: float, speed_cutoff: float = 1.0):
        self.slowest, self.quickening, self.speed_cutoff = slowest, quickening, speed_cutoff
        self.value: np.ndarray | None = None
        self._speed = np.zeros(0)
        self._time = 0.0

    def __call__(self, value: np.ndarray, seconds: float, unit: float = 1.0) -> np.ndarray:
        """unit: the length that speeds are measured in, as the side of a face in pixels."""
        value = np.asarray(value, np.float64)
        if self.value is None or self.value.shape != value.shape:
            self.value, self._speed = value, np.zeros_like(value)
        elif (step := seconds - self._time) > 0:
            speed = (value - self.value) / step
            self._speed = self._speed + _weight(self.speed_cutoff, step) * (speed - self._speed)
            cutoff = self.slowest + self.quickening * float(np.abs(self._speed).max()) / unit
            self.value = self.value + _weight(cutoff, step) * (value - self.value)
        self._time = seconds
        return self.value


def _weight(cutoff: float, step: float) -> float:
    """How much of a new value counts: Hz, seconds -> 0..1."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * step))
