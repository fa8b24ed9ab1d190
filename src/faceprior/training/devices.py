"""Where the training runs: Fabric set up for a CPU, one GPU, several, or many nodes, by one rule."""

import os
from dataclasses import fields, replace

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy

from ..dataset.pairs import Pairs
from ..dataset.store import FaceStore
from ..errors import FacepriorError

_RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK")


def first_process() -> bool:
    """Whether this process will be rank 0, known before the processes have met."""
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def make_fabric(device: str, devices: int | None, precision: str) -> Fabric:
    """`device`: auto, cpu, cuda (or gpu), mps. `devices`: processes on this machine; None = 1.

    Under torchrun and SLURM the counts come from the launcher.
    """
    accelerator = {"gpu": "cuda"}.get(device, device)
    if accelerator not in ("auto", "cpu", "cuda", "mps"):
        raise FacepriorError(f"--device {device}: expected auto, cpu, cuda or mps")
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise FacepriorError("--device cuda: PyTorch sees no GPU here")
    if accelerator == "mps" and not torch.backends.mps.is_available():
        raise FacepriorError("--device mps: PyTorch sees no Apple GPU here")
    nodes, local = _launched()
    if devices is not None and devices < 1:
        raise FacepriorError(f"--devices {devices}: expected at least 1")
    if devices is not None and local is not None and devices != local:
        raise FacepriorError(f"--devices {devices}: the launcher started {local} processes here; leave it out")
    local = local or devices or 1
    if accelerator == "cuda" and local > torch.cuda.device_count():
        raise FacepriorError(f"--devices {local}: only {torch.cuda.device_count()} GPUs here")
    strategy = DDPStrategy(find_unused_parameters=False) if local * nodes > 1 else "auto"
    return Fabric(accelerator=accelerator, devices=local, num_nodes=nodes, precision=precision, strategy=strategy)


def part(fabric: Fabric) -> None:
    """The processes part: all wait for each other, then close their connections.

    Gloo's threads, left to the interpreter's end, abort a process whose peer has gone first. For a run that ended
    well: after an error a peer may never come.
    """
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()


def _launched() -> tuple[int, int | None]:
    """-> (nodes, processes a node) as torchrun or SLURM has set them; (1, None) where neither has."""
    env = os.environ
    if "TORCHELASTIC_RUN_ID" in env:
        local = int(env["LOCAL_WORLD_SIZE"])
        return int(env["WORLD_SIZE"]) // local, local
    if "SLURM_NTASKS" in env and env.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        nodes = int(env.get("SLURM_NNODES", "1"))
        return nodes, int(env["SLURM_NTASKS"]) // nodes
    return 1, None


def prepare_device(device: torch.device) -> None:
    """On a CPU the same run gives the same bits; on a GPU it is fast."""
    if device.type == "cuda":
        # What stays in float32 beside bfloat16 needs all of its bits: frames, transforms, the canvas. TensorFloat-32
        # keeps eleven: pixels would move by a thirtieth, grey levels by a tenth.
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
    else:
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid, and slow


def resident(store: FaceStore, device: torch.device) -> FaceStore:
    """The store on the device if half of its free memory holds it, else where it is."""
    if device.type == "cuda" and store.contexts.nbytes > torch.cuda.mem_get_info(device)[0] / 2:
        return store
    return store.to(device)


def to_device(pairs: Pairs, device: torch.device) -> Pairs:
    if pairs.lr.device == device:
        return pairs
    held = {f.name: getattr(pairs, f.name) for f in fields(pairs)}
    return replace(pairs, **{name: x.to(device) for name, x in held.items() if hasattr(x, "to")})
