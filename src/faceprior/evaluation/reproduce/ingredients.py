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


def taken_out(
    table: str, whole: str, parts: dict[str, str], seeds: int, reduced: dict[str, tuple[str, ...]]
) -> tuple[tuple[Row, ...], tuple[Claim, ...]]:
    """The rows of such a table, the whole first (preset TABLE/default), and the claim that each part helps.

    parts: preset TABLE/NAME -> what it takes out; reduced: overrides of a row's reduced run
    """
    rows = [Row("default", whole, f"{table}/default", seeds=seeds)]
    rows += [
        Row(name, f"without {what}", f"{table}/{name}", reduced=reduced.get(name, ()), seeds=seeds)
        for name, what in parts.items()
    ]
    claims = [Claim(f"It is better with {what.partition(' (')[0]}", "default", name) for name, what in parts.items()]
    return tuple(rows), tuple(claims)


# Of what the reduced budget sets, the average alone is an ingredient too.
_ROWS, _CLAIMS = taken_out("ingredients", "The default model", INGREDIENTS, 3, {"no-average": ("optimiser.ema=0.0",)})
TABLE_INGREDIENTS = Table(
    name="ingredients",
    title="Ingredients: the default model with each one taken out",
    base="default",
    rows=_ROWS,
    claims=_CLAIMS,
    reduced=REDUCED,
    reduced_note="No row starts from a trained aligner, since how the STN is taught is an ingredient; so every STN is "
    "still learning at the end, and what helps it counts more than it would in a long run.",
)
