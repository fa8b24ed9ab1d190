"""Figures: one pass over a split scores every model and the floors under a named protocol."""
