"""A table of ours: the shipped default model with each of its own ingredients taken out.

All rows extend `presets/ingredients/default.toml`, which names the default's preset: that line alone follows a new
default, and INGREDIENTS a new ingredient.
"""

from .reduced import REDUCED
from .rows import Claim, Row, Table

# The name of presets/ingredients/NAME.toml -> what it takes out, as it reads after "without".
INGREDIENTS: dict[str, str] = {
    "no-supervision": "the STN's supervision by the known transform",
    "no-second-look": "the STN's second look at the LR",
    "no-landmarks": "the STN's lessons in landmarks",
    "paper-localisation": "the localisation nets on the LR (the paper's, on features, instead)",
    "no-base": "the base, the LR warped upright under the output",
    "no-heatmaps": "the heatmaps' supervision (their branch stays)",
    "no-autoencoder": "the autoencoder",
    "no-skip": "the skip around the heatmaps",
    "no-trunk": "the residual blocks at 16 px",
    "paper-tail": "the tail at the heatmaps' resolution (the paper's, at 128 px, instead)",
    "paper-optimiser": "AdamW and its clipping (the paper's RMSprop instead)",
    "no-cosine": "the cosine (a constant rate instead)",
    "no-colour": "the recolouring of the training faces",
    "no-average": "the average of the weights",
}
_REDUCED = {"no-average": ("optimiser.ema=0.0",)}

TABLE_INGREDIENTS = Table(
    name="ingredients",
    title="Ingredients: the default model with each one taken out",
    base="default",
    rows=(
        Row("default", "The default model", "ingredients/default", seeds=3),
        *(
            # Of what the reduced budget sets, the average alone is an ingredient too.
            Row(name, f"without {what}", f"ingredients/{name}", reduced=_REDUCED.get(name, ()), seeds=3)
            for name, what in INGREDIENTS.items()
        ),
    ),
    claims=tuple(
        Claim(f"It is better with {what.partition(' (')[0]}", "default", name) for name, what in INGREDIENTS.items()
    ),
    reduced=REDUCED,
    reduced_note="No row starts from a trained aligner, since how the STN is taught is an ingredient; so every STN is "
    "still learning at the end, and what helps it counts more than it would in a long run.",
)
