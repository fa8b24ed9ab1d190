"""Millions of images on many machines, by Ray Data; files anywhere that PyArrow or fsspec reach. docs/scale.md."""
