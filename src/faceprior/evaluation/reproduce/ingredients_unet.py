"""A table of ours: the U-Net that ships with each of its parts taken out.

All rows build on the same trained STN and canvas (`--stn0`, `--canvas`) and meet the same faces. What counts is the
gain in place (`evaluation/place.py`): against the labels' frame a row would be paid for blur.
"""

from .rows import Claim, Row, Table

# The name of presets/ingredients-unet/NAME.toml -> (what it takes out, after "without"; what it has instead).
PARTS: dict[str, tuple[str, str]] = {
    "no-canvas": ("the canvas below", "a bicubic enlargement"),
    "no-heatmaps": ("the heatmaps", ""),
    "no-positions": ("the learned maps of positions", ""),
    "all-pixels-alike": ("a lower weight of the pixels that the LR did not see", "all weigh alike"),
    "label-frame": ("its own frame for the truth", "the labels'"),
    "no-muon": ("Muon", "AdamW"),
    "no-rough": ("rough inputs in training", ""),
    "paper-protocol": ("`wide` and `near` in training", "`paper` alone"),
    "no-average": ("the average of the weights", ""),
}


def _label(what: str, instead: str) -> str:
    return f"without {what}" + (f" ({instead} instead)" if instead else "")


TABLE_UNET = Table(
    name="ingredients-unet",
    title="Ingredients: the U-Net that ships with each part taken out",
    base="default",
    rows=(
        Row("default", "The U-Net that ships", "ingredients-unet/default", seeds=2),
        *(
            Row(name, _label(*part), f"ingredients-unet/{name}", seeds=2) for name, part in PARTS.items()
        ),
    ),
    claims=tuple(Claim(f"It is better with {what}", "default", name) for name, (what, _) in PARTS.items()),
    judged="gain_psnr_seen",
    given=True,
    reduced=("run.steps=560", "data.faces=16000", "data.val_faces=128", "schedule.warmup_steps=50", "run.pictures=4"),
    reduced_note="Claims are of the gain in place over bicubic, on the pixels that the LR saw.",
)
