"""The reduced tables: what a CPU without a GPU can make, and what every row of every table has in common there.

Steps, not time, so that what else the machine does makes no row shorter. Every MTUN starts from the same trained
localisation net (`aligner`), as the comparators of Table 1 do from the same STN0: a run of some thousand faces does
not learn to align, and rows would differ by how far each got with that rather than by what they are compared for.
"""

from .rows import Row

ALIGNER = Row(
    "aligner", "MTUN's localisation net", "table1/aligner", reduced=("run.batch=64", "run.steps=600"), listed=False
)

REDUCED = (
    "data.faces=3072",
    "data.val_faces=128",
    "run.batch=16",
    "run.steps=400",
    "run.validate_every=2",
    "run.pictures=4",
    "schedule.warmup_steps=50",
    "optimiser.ema=0.99",
    # In some 200 steps the presets' 0.1 teaches the discriminator too little for LU to matter; at 1.0 it wins in 50.
    "optimiser.discriminator_lr=0.3",
)
# What starts aligned is kept so: the rate of the rest throws a trained STN off within 50 steps.
COMPACT = ("model.preset=compact", "optimiser.localisation_lr=0.1")
NO_VGG = "loss.feature_weight=0.0"
NO_ADVERSARY = "loss.adversarial_weight=0.0"
SMALL = (*COMPACT, NO_VGG, NO_ADVERSARY)
# Lf of a quarter of each step's faces: the same loss in the mean, for a quarter of the VGG's time.
PART_VGG = "loss.feature_faces=4"
# The adversary comes in after the first epoch of 192 steps, when there is a face to judge.
LATE = "loss.adversarial_start=1"
