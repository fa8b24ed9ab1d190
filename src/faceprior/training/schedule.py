"""The learning rate and the adversarial weight as pure functions of where the run stands.

Nothing here has a state, so nothing has to be restored: a resumed run computes the same numbers.
"""

import math
from dataclasses import dataclass

from .config import LossConfig, ScheduleConfig


@dataclass(frozen=True)
class Position:
    """Where a run stands: updates made, epochs finished, and what it will make."""

    step: int
    epoch: int
    total_steps: int
    elapsed: float = 0.0  # seconds, resumptions included
    max_time: float | None = None

    def progress(self, by: str) -> float:
        """0 at the start, 1 at the end. By `budget` the larger of steps and time holds, so that a run sized by
        the clock still finishes its cosine; its learning rates then depend on the clock and are not repeatable.
        """
        done = self.step / max(1, self.total_steps)
        if by == "budget" and self.max_time:
            done = max(done, self.elapsed / self.max_time)
        return min(1.0, done)


def lr_factor(config: ScheduleConfig, at: Position) -> float:
    """The factor of the base rate for the update after `at.step` updates."""
    factor = _warmup(config, at.step)
    if config.kind == "epochs":  # paper: "multiplied by 0.99 after each epoch"
        return factor * config.gamma**at.epoch
    if config.kind == "cosine":
        wave = (1 + math.cos(math.pi * at.progress(config.by))) / 2
        return factor * (config.floor + (1 - config.floor) * wave)
    return factor


def _warmup(config: ScheduleConfig, step: int) -> float:
    if config.warmup == "linear":
        return min(1.0, (step + 1) / config.warmup_steps)
    if config.warmup == "released":  # lr/50 for 50 updates, then lr/5 to update 100
        return 1 / 50 if step < 50 else 1 / 5 if step < 100 else 1.0
    return 1.0


def adversarial_weight(config: LossConfig, epoch: int) -> float:
    """beta of Eq. 6 in this epoch: 0 before `adversarial_start`, then decaying to its floor."""
    if config.adversarial_weight == 0 or epoch < config.adversarial_start:
        return 0.0
    weight = config.adversarial_weight * config.adversarial_decay ** (epoch - config.adversarial_start)
    return max(weight, min(config.adversarial_floor, config.adversarial_weight))
