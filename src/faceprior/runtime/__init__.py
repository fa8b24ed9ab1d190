"""Inference: the `Upscaler`, its backends, the packaged weights, pictures. Imports no PyTorch by itself."""
