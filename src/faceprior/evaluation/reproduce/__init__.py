"""The paper's tables, trained, evaluated and written by one command: `faceprior reproduce`.

A table is data (`rows.py`, `table1.py` ...); what trains, scores and writes it knows no particular table.
"""

from .ingredients import TABLE_INGREDIENTS
from .ingredients_unet import TABLE_UNET
from .rows import Row, Table
from .table1 import TABLE1
from .table2 import TABLE2
from .table3 import TABLE3, TABLE_HELP

TABLES: dict[str, Table] = {
    table.name: table for table in (TABLE1, TABLE2, TABLE3, TABLE_HELP, TABLE_INGREDIENTS, TABLE_UNET)
}
# "fig3" -> its table and its name there. A picture alone needs one run of each of its rows.
FIGURES: dict[str, tuple[Table, str]] = {
    name.replace("figure", "fig"): (table, name) for table in TABLES.values() for name in table.figures
}
ALL = "all"

__all__ = ["ALL", "FIGURES", "TABLES", "Row", "Table"]
