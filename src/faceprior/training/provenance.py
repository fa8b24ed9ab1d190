"""Where a run's weights come from, as their file says it."""

import platform
from pathlib import Path
from typing import Any

import torch

from .config import TrainConfig


def provenance(
    config: TrainConfig,
    device: torch.device,
    *,
    step: int,
    seconds: float,
    dataset: dict[str, str | int],
    validation: dict[str, float],
    processes: int,
) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    tree = config.as_dict()
    if start := tree["run"].get("initial"):  # weights travel; the folders of this machine stay here
        tree["run"]["initial"] = Path(*Path(start).parts[-2:]).as_posix()
    return {
        "config": tree,
        "steps": step,
        "images": step * config.run.batch,
        "seconds": round(seconds, 1),
        "dataset": dataset,
        "validation": validation,
        "hardware": {"device": name, "processes": processes, "threads": torch.get_num_threads()},
        "torch": torch.__version__,
    }
