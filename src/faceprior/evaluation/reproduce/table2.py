"""Table 2 of the paper: where the heatmap branch stands, and how deep it is. All four losses; reduced: Lp + Lh."""

from .reduced import ALIGNER, REDUCED, SMALL
from .rows import Claim, Row, Table

_DEEP = "model.stacks=4"  # `compact` has one


def _row(name: str, label: str, paper: tuple[float, float], *reduced: str, seeds: int = 1, **same: str) -> Row:
    config = "table1/ours" if same.get("same") == "ours" else f"table2/{name}"
    reduced = (*SMALL, *reduced)
    return Row(name, label, config, reduced=reduced, paper=paper, reduced_needs="aligner", seeds=seeds, **same)


TABLE2 = Table(
    name="table2",
    title="Table 2: position and depth of the heatmap branch",
    base="s4",
    rows=(
        ALIGNER,
        _row("r16", "R16", (21.97, 0.63), _DEEP, seeds=3),
        _row("r32", "R32", (21.98, 0.64), _DEEP, seeds=3),
        _row("s1", "S1", (22.32, 0.64), seeds=3, reduced_same="ours"),
        _row("s2", "S2", (22.91, 0.67)),
        _row("s3", "S3", (22.93, 0.67)),
        _row("s4", "S4", (23.14, 0.68), _DEEP, seeds=3, same="ours"),
    ),
    claims=(
        Claim("Heatmaps at 64 px do better than at 16 px", "s4", "r16"),
        Claim("Heatmaps at 64 px do better than at 32 px", "s4", "r32"),
        Claim("Heatmaps at 32 px do better than at 16 px", "r32", "r16"),
        Claim("Four hourglasses do better than one", "s4", "s1"),
        Claim("Two hourglasses do better than one", "s2", "s1"),
        Claim("Four hourglasses do better than three", "s4", "s3"),
    ),
    reduced=REDUCED,
    reduced_note="The network is `compact`, its stacks as the row says, with Lp and Lh alone (Table 3 has the losses).",
)
