"""A table of ours: the U-Net that ships with each of its parts taken out.

All rows build on the same trained STN and canvas (`--stn0`, `--canvas`) and meet the same faces. What counts is the
gain in place (`evaluation/place.py`): against the labels' frame a row would be paid for blur.
"""

from .ingredients import taken_out
from .rows import Table

# The name of presets/ingredients-unet/NAME.toml -> what it takes out, as it reads after "without".
PARTS: dict[str, str] = {
    "no-canvas": "the canvas below (a bicubic enlargement instead)",
    "no-heatmaps": "the heatmaps",
    "no-positions": "the learned maps of positions",
    "all-pixels-alike": "a lower weight of the pixels that the LR did not see (all weigh alike instead)",
    "label-frame": "its own frame for the truth (the labels' instead)",
    "no-muon": "Muon (AdamW instead)",
    "no-rough": "rough inputs in training",
    "paper-protocol": "`wide` and `near` in training (`paper` alone instead)",
    "no-average": "the average of the weights",
}

_ROWS, _CLAIMS = taken_out("ingredients-unet", "The U-Net that ships", PARTS, 2, {})
TABLE_UNET = Table(
    name="ingredients-unet",
    title="Ingredients: the U-Net that ships with each part taken out",
    base="default",
    rows=_ROWS,
    claims=_CLAIMS,
    judged="gain_psnr_seen",
    given=True,
    reduced=("run.steps=560", "data.faces=16000", "data.val_faces=128", "schedule.warmup_steps=50", "run.pictures=4"),
    reduced_note="Claims are of the gain in place over bicubic, on the pixels that the LR saw.",
)
