"""The networks: parts in files of their own, assembled in `mtun.py`."""
