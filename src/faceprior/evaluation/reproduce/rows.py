"""What a table of the paper is: its rows, each a configuration with the paper's own figures beside it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One system. `config` is a preset or a TOML file; overrides are `section.key=value`.

    `reduced` are further overrides for the table that a CPU can make: narrower networks, losses that it can pay.
    """

    name: str  #                              of its run folder, and for `faceprior evaluate --model`
    label: str  #                             in the table
    config: str
    overrides: tuple[str, ...] = ()
    reduced: tuple[str, ...] = ()
    paper: tuple[float, float] | None = None  # the paper's PSNR and SSIM
    needs: str | None = None  #               the row whose trained STN0 this one holds
    listed: bool = True  #                    False: trained because others need it


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    rows: tuple[Row, ...]
    base: str  #                              the row that margins are taken over
    reduced: tuple[str, ...] = ()  #          overrides of every row of the reduced table
    reduced_faces: int = 500  #               of the test split, in the reduced table
    figures: dict[str, tuple[str, ...]] = field(default_factory=dict)  # picture's name -> its rows as columns

    def row(self, name: str) -> Row:
        """KeyError where there is none."""
        return {row.name: row for row in self.rows}[name]
