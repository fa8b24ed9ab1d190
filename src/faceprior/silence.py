"""Nothing is reported to anybody: ONNX Runtime's own builds (1.32 on Linux, seen) keep a queue of what they run and a
number that stands for the machine in the user's folder from when they are imported, and an address to send them to."""

import os
import sys

SWITCH = "ORT_DISABLE_TELEMETRY"  # read when `onnxruntime` is imported


def silence() -> None:
    """For this process and those that it starts. A SWITCH that is set already is left as it is."""
    if os.environ.setdefault(SWITCH, "1") == "0":
        return
    imported = sys.modules.get("onnxruntime")  # before us, by the program that uses us
    if hasattr(imported, "disable_telemetry_events"):
        imported.disable_telemetry_events()
