"""What a table of the paper is: its rows, each a configuration with the paper's own figures beside it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One system. `config` is a preset or a TOML file; overrides are `section.key=value`.

    `reduced` are further overrides for the table that a CPU can make: narrower networks, losses that it can pay.
    """

    name: str  #                              for --rows; of its run folder, unless it is the `same` as another's
    label: str  #                             in the table
    config: str
    overrides: tuple[str, ...] = ()
    reduced: tuple[str, ...] = ()
    paper: tuple[float, float] | None = None  # the paper's PSNR and SSIM
    needs: str | None = None  #               the row whose trained STN0 this one holds
    reduced_needs: str | None = None  #       the row whose trained STN0 this one starts from, in the reduced table
    seeds: int = 1  #                         runs of it; rows that decide a claim have more
    listed: bool = True  #                    False: trained because others need it, neither scored nor shown
    same: str | None = None  #                the row of another table whose run this one's is too, in the full tables
    reduced_same: str | None = None  #        ... in the reduced ones

    def run(self, reduced: bool) -> str:
        """What its run folder is called."""
        return (self.reduced_same if reduced else self.same) or self.name

    def needed(self, reduced: bool) -> str | None:
        return self.needs or (self.reduced_needs if reduced else None)


@dataclass(frozen=True)
class Claim:
    """That the row `better` has the higher figure (`Table.judged`). Judged over the seeds that both rows have, see
    `claims.py`."""

    text: str
    better: str
    worse: str


@dataclass(frozen=True)
class Picture:
    """One face a row; a system a column, or with `heatmaps` one system's maps beside the true ones (Figure 3)."""

    rows: tuple[str, ...]
    heatmaps: bool = False


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    rows: tuple[Row, ...]
    base: str  #                              the row that margins are taken over
    claims: tuple[Claim, ...] = ()
    reduced: tuple[str, ...] = ()  #          overrides of every row of the reduced table
    reduced_note: str = ""  #                 what is small about it, in words
    judged: str = "psnr"  #                   the figure that claims are of
    given: bool = False  #                    its rows build on a trained STN and canvas from outside
    reduced_faces: int = 500  #               of the test split, in the reduced table
    figures: dict[str, Picture] = field(default_factory=dict)  # by file name

    def row(self, name: str) -> Row:
        """KeyError where there is none."""
        return {row.name: row for row in self.rows}[name]
