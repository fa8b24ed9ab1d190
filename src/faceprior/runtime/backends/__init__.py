"""What runs a model: ONNX Runtime (the default), OpenVINO or PyTorch, behind one protocol."""
