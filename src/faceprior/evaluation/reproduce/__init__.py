"""The paper's tables, trained, evaluated and written by one command: `faceprior reproduce`.

A table is data (`rows.py`, `table1.py`); what trains, scores and writes it knows no particular table.
"""

from .rows import Row, Table
from .table1 import TABLE1

TABLES: dict[str, Table] = {table.name: table for table in (TABLE1,)}

__all__ = ["TABLES", "Row", "Table"]
