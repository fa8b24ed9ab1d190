"""A report as tables: for the terminal (rich) and for documents (Markdown), from the same rows."""

from dataclasses import dataclass

from rich.table import Table

from .report import ModelReport, Report, Stats


@dataclass(frozen=True)
class Column:
    title: str
    figure: str
    digits: int
    factor: float = 1.0


MAIN = (
    Column("PSNR dB", "psnr", 2),
    Column("SSIM", "ssim", 4),
    Column("PSNR inside", "psnr_inside", 2),
    Column("SSIM inside", "ssim_inside", 4),
    Column("STN deg", "stn_degrees", 2),
    Column("STN scale %", "stn_scale", 2),
    Column("STN px/128", "stn_pixels", 2),
    Column("centre px/64", "centre", 2),
    Column("visibility %", "visibility", 1, 100),
    Column("LR dB", "consistency", 2),
    Column("identity", "identity", 3),
)
PLACE = (  # in the frame that each model chose, and over bicubic in the same frame
    Column("PSNR dB", "place_psnr", 2),
    Column("SSIM", "place_ssim", 4),
    Column("over bicubic", "gain_psnr", 2),
    Column("SSIM", "gain_ssim", 4),
    Column("seen: PSNR", "place_psnr_seen", 2),
    Column("SSIM", "place_ssim_seen", 4),
    Column("over bicubic", "gain_psnr_seen", 2),
    Column("SSIM", "gain_ssim_seen", 4),
)
VISIBLE = (  # components judged rightly as visible or hidden, and hidden ones as hidden
    *(Column(f"{name} %", f"visibility_{name}", 1, 100) for name in ("eyes", "nose", "mouth", "chin")),
    Column("hidden found %", "hidden_found", 1, 100),
)
BRIEF = (  # what a terminal of WIDTH columns holds: the rest is in `grids`
    Column("PSNR dB", "psnr", 2),
    Column("SSIM", "ssim", 4),
    Column("in place", "place_psnr", 2),
    Column("gain", "gain_psnr", 2),
    Column("seen", "gain_psnr_seen", 2),
    Column("STN deg", "stn_degrees", 2),
    Column("STN px", "stn_pixels", 2),
    Column("heat px", "centre", 2),
    Column("LR dB", "consistency", 2),
    Column("identity", "identity", 3),
)
WIDTH = 100
SPREAD = (  # figures of which the tail matters: mean, median and 95th percentile
    Column("STN deg", "stn_degrees", 2),
    Column("STN scale %", "stn_scale", 2),
    Column("STN px/128", "stn_pixels", 2),
    Column("eyes px/64", "centre_eyes", 2),
    Column("nose px/64", "centre_nose", 2),
    Column("mouth px/64", "centre_mouth", 2),
    Column("chin px/64", "centre_chin", 2),
)


@dataclass
class Grid:
    """A table as text. The first column is left-aligned, the others right-aligned."""

    title: str
    header: list[str]
    rows: list[list[str]]

    def rich(self) -> Table:
        # The figures are the point: the name gives way, they are never cut.
        table = Table(title=self.title, title_justify="left")
        for i, name in enumerate(self.header):
            table.add_column(name, justify="right" if i else "left", overflow="fold", min_width=min(7, len(name)))
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        lines = [
            f"**{self.title}**",
            "",
            "| " + " | ".join(self.header) + " |",
            "|---" + "|---:" * (len(self.header) - 1) + "|",
            *("| " + " | ".join(row).replace("|yaw|", "yaw") + " |" for row in self.rows),
        ]
        return "\n".join(lines) + "\n"


def brief(report: Report) -> Grid:
    """The one table of a terminal, at most `WIDTH` columns wide: a long name of a model folds."""
    columns = _used(report, BRIEF)
    title = f"{report.protocol}: {report.split}, {report.faces} faces; means"
    return Grid(title, *_main(report, columns, "AUC"))


def grids(report: Report) -> list[Grid]:
    """The main table, the spread of the alignment and heatmap errors, and one table a breakdown."""
    columns = _used(report, MAIN)
    title = f"{report.protocol}: {report.split}, {report.faces} faces; means"
    result = [Grid(title, *_main(report, columns, "identity AUC"))]

    place = _used(report, PLACE)
    rows = [[m.name, *_cells(m.overall, place)] for m in report.models if any(c.figure in m.overall for c in place)]
    if rows:
        result.append(
            Grid(
                "in place: in the frame that each chose; all pixels, and those that the LR saw",
                ["model", *(c.title for c in place)],
                rows,
            )
        )

    visible = _used(report, VISIBLE)
    rows = [[m.name, *_cells(m.overall, visible)] for m in report.models if any(c.figure in m.overall for c in visible)]
    if rows:
        titles = ["model", *(c.title for c in visible)]
        result.append(Grid("components judged rightly as visible or hidden", titles, rows))

    spread = _used(report, SPREAD)
    rows = [[m.name, *_spread(m, spread)] for m in report.models if any(c.figure in m.overall for c in spread)]
    if rows:
        result.append(Grid("mean / median / 95 %", ["model", *(c.title for c in spread)], rows))

    for kind in report.models[0].by if report.models else ():
        rows = [
            [f"{part}: {m.name}", str(m.by[kind][part]["psnr"].n), *_cells(m.by[kind][part], columns)]
            for part in report.models[0].by[kind]
            for m in report.models
        ]
        more = [c for c in place if c.figure in ("place_psnr", "gain_psnr", "gain_psnr_seen")]
        if rows:
            result.append(Grid(f"by {kind}", ["", "faces", *(c.title for c in columns)], rows))
        rows = [
            [f"{part}: {m.name}", *_cells(m.by[kind][part], more)]
            for part in report.models[0].by[kind]
            for m in report.models
            if any(c.figure in m.by[kind][part] for c in more)
        ]
        if rows:
            result.append(Grid(f"in place, by {kind}", ["", "PSNR dB", "over bicubic", "seen: over bicubic"], rows))
    return result


def _main(report: Report, columns: list[Column], auc_title: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows, a model each."""
    auc = any(m.identity_auc is not None for m in report.models)
    header = ["model", *(c.title for c in columns), *([auc_title] if auc else [])]
    rows = [
        [m.name, *_cells(m.overall, columns), *([_number(m.identity_auc, 4)] if auc else [])] for m in report.models
    ]
    return header, rows


def markdown(report: Report) -> str:
    """All tables, with the protocol, the data and the command."""
    sources = ", ".join(f"{name} {n}" for name, n in report.sources.items())
    head = [
        f"Protocol *{report.protocol}*: {report.protocol_text}.",
        f"Split *{report.split}*: {report.faces} faces ({sources}).",
        f"`{report.command}` ({report.seconds:.0f} s, faceprior {report.versions.get('faceprior', '?')})",
    ]
    return "\n".join([*head, "", *(grid.markdown() for grid in grids(report))])


def _used(report: Report, columns: tuple[Column, ...]) -> list[Column]:
    """Those that some model has; the inside figures only where they can differ from the others."""
    return [
        c
        for c in columns
        if any(c.figure in m.overall for m in report.models)
        and (report.partly_outside or not c.figure.endswith("_inside"))
    ]


def _cells(stats: Stats, columns: list[Column]) -> list[str]:
    return [_number(stats[c.figure].mean * c.factor, c.digits) if c.figure in stats else "-" for c in columns]


def _spread(model: ModelReport, columns: list[Column]) -> list[str]:
    cells = []
    for c in columns:
        s = model.overall.get(c.figure)
        cells.append(" / ".join(_number(v * c.factor, c.digits) for v in (s.mean, s.median, s.p95)) if s else "-")
    return cells


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or value != value else f"{value:.{digits}f}"
