"""What runs a model: ONNX Runtime (the default) or PyTorch, behind one protocol."""
