"""Small networks with random weights, as hard on an exporter as trained ones: BatchNorm with statistics of its
own, an STN off the identity. Files are made once a session, in a folder removed at its end."""

import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from faceprior.networks.config import MTUNConfig
from faceprior.networks.export import export_onnx
from faceprior.networks.mtun import MTUN
from faceprior.networks.stn import Localisation
from faceprior.networks.weights import read_header, save_model

SMALL = {
    "encoder": (8, 8, 8, 8),
    "decoder": (8, 8, 8, 8),
    "upsample": (8, 8),
    "aligned": 8,
    "hourglass_features": 8,
    "stacks": 1,
    "branch_a": (8, 8),
    "branch_b": 8,
    "fusion": (8, 8, 4),
}


def random_network(config: MTUNConfig, seed: int = 0) -> MTUN:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MTUN(config).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            module.weight.data.uniform_(0.7, 1.3, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)
    for module in network.modules():
        if isinstance(module, Localisation):
            last = module.net[-1]
            last.weight.data.normal_(0, 0.1, generator=generator)
            last.bias.data.normal_(0, 0.3, generator=generator)
    return network


@functools.cache
def folder() -> Path:
    import atexit

    path = Path(tempfile.mkdtemp(prefix="faceprior-tests-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@functools.cache
def small_safetensors(seed: int = 0, **options) -> Path:
    config = MTUNConfig(**{**SMALL, "tail": "subpixel", "localisation": "lr", "base": True, **options})
    path = folder() / f"{'-'.join(f'{k}{v}' for k, v in options.items()) or 'small'}-{seed}.safetensors"
    save_model(random_network(config, seed), path, {"test": True})
    return path


@functools.cache
def small_onnx(seed: int = 0, fp16: bool = True, **options) -> Path:
    from faceprior.networks.weights import load_model

    weights = small_safetensors(seed, **options)
    path = weights.with_name(f"{weights.stem}-{'fp16' if fp16 else 'fp32'}.onnx")
    export_onnx(load_model(weights), path, read_header(weights), fp16=fp16)
    return path


def smooth_faces(n: int, seed: int = 0, size: int = 16) -> np.ndarray:
    """uint8 (n, size, size, 3): smooth colours, as pictures are, up to the ends of the range."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC)) for c in coarse])


SMALL_UNET = {"channels": (8, 8, 8), "blocks": (1, 1, 1), "tail": (4, 4), "canvas_channels": 8}


def random_unet(**options):
    """A U-Net of random weights whose every part does something."""
    from faceprior.networks.stn import Localisation
    from faceprior.networks.unet import UNet
    from faceprior.networks.unet_config import UNetConfig

    torch.manual_seed(0)
    network = UNet(UNetConfig(**SMALL_UNET | options))
    for module in network.modules():
        if isinstance(module, Localisation):
            nn.init.normal_(module.net[-1].weight, std=0.05)
            nn.init.normal_(module.net[-1].bias, std=0.3)
    if network.canvas is not None:
        with torch.no_grad():  # as of a trained one: features of tens of levels, a picture in [0, 1]
            network.canvas.conv_cat.bias.normal_(0, 16)
            network.canvas.upsampler.weight.mul_(0.05)
            network.canvas.upsampler.bias.fill_(0.5)
    nn.init.normal_(network.tail[-1].weight, std=0.1)
    return network.eval()
