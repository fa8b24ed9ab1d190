"""Table 2 of the paper: where the heatmap branch stands, and how deep it is. All four losses; reduced: Lp + Lh."""

from .reduced import ALIGNER, REDUCED, SMALL
from .rows import Claim, Row, Table

_DEEP = "model.stacks=4"  # `compact` has one


def _row(name: str, label: str, paper: tuple[float, float], *reduced: str, seeds: int = 1) -> Row:
    config = "table1/ours" if name == "ours" else f"table2/{name}"  # S4 is Ours: trained once for all tables
    return Row(name, label, config, reduced=(*SMALL, *reduced), paper=paper, reduced_needs="aligner", seeds=seeds)


TABLE2 = Table(
    name="table2",
    title="Table 2: position and depth of the heatmap branch",
    base="ours",
    rows=(
        ALIGNER,
        _row("r16", "R16", (21.97, 0.63), _DEEP, seeds=3),
        _row("r32", "R32", (21.98, 0.64), _DEEP, seeds=3),
        _row("s1", "S1", (22.32, 0.64), seeds=3),
        _row("s2", "S2", (22.91, 0.67)),
        _row("s3", "S3", (22.93, 0.67)),
        _row("ours", "S4", (23.14, 0.68), _DEEP, seeds=3),
    ),
    claims=(
        Claim("Heatmaps at 64 px do better than at 16 px", "ours", "r16"),
        Claim("Heatmaps at 64 px do better than at 32 px", "ours", "r32"),
        Claim("Heatmaps at 32 px do better than at 16 px", "r32", "r16"),
        Claim("Four hourglasses do better than one", "ours", "s1"),
        Claim("Two hourglasses do better than one", "s2", "s1"),
        Claim("Four hourglasses do better than three", "ours", "s3"),
    ),
    reduced=REDUCED,
    reduced_note="The network is `compact`, its stacks as the row says, with Lp and Lh alone (Table 3 has the losses).",
)
