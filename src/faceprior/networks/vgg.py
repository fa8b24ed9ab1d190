"""VGG-19 up to relu3_2, frozen: the features of the feature-wise loss (paper Eq. 2)."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FacepriorError

_CHANNELS = {
    "conv1_1": (3, 64),
    "conv1_2": (64, 64),
    "conv2_1": (64, 128),
    "conv2_2": (128, 128),
    "conv3_1": (128, 256),
    "conv3_2": (256, 256),
}
_POOL_AFTER = ("conv1_2", "conv2_2")
_TORCHVISION = dict(zip(_CHANNELS, (0, 2, 5, 7, 10, 12), strict=True))  # indices in its `features`
_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"  # 8 digits of its SHA-256 are in the name
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VGGFeatures(nn.Module):
    """(B, 3, H, W) in [-1, 1] -> relu3_2 features (B, 256, H/4, W/4).

    Two kinds of files are known by their keys: torchvision's `vgg19` (ImageNet mean and deviation, zero padding)
    and the "normalised" VGG-19 (first a 1x1 convolution on RGB in [0, 1], reflect padding, mean activations
    of about 1, which makes the loss's weight comparable between layers).
    """

    def __init__(self, *, normalised: bool):
        super().__init__()
        self.input = nn.Conv2d(3, 3, 1)
        padding_mode = "reflect" if normalised else "zeros"
        for name, (inputs, outputs) in _CHANNELS.items():
            self.add_module(name, nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode=padding_mode))
        if not normalised:
            with torch.no_grad():
                self.input.weight.copy_(torch.diag(1 / torch.tensor(_STD))[:, :, None, None])
                self.input.bias.copy_(-torch.tensor(_MEAN) / torch.tensor(_STD))
        self.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: Path | str | None = None) -> "VGGFeatures":
        """From a file (.safetensors or torchvision's .pth); without one, torchvision's file is fetched and cached.

        Raises FacepriorError where the file is missing, is no such network or cannot be fetched.
        """
        state = _fetch() if path is None else _read(Path(path))
        normalised = "input.weight" in state
        if not normalised:
            state = {
                f"{name}.{part}": state.get(f"features.{i}.{part}")
                for name, i in _TORCHVISION.items()
                for part in ("weight", "bias")
            }
        vgg = cls(normalised=normalised)
        wanted = {k: v.shape for k, v in vgg.state_dict().items() if normalised or not k.startswith("input.")}
        for key, shape in wanted.items():
            if state.get(key) is None or state[key].shape != shape:
                raise FacepriorError(f"{path}: not a VGG-19: expected '{key}' of shape {tuple(shape)}")
        vgg.load_state_dict({k: state[k] for k in wanted}, strict=normalised)
        return vgg

    def train(self, mode: bool = True) -> "VGGFeatures":
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.input((x + 1) / 2)
        for name in _CHANNELS:
            x = F.relu(getattr(self, name)(x))
            if name in _POOL_AFTER:
                x = F.max_pool2d(x, 2)
        return x


def _fetch() -> dict[str, Tensor]:
    try:
        return torch.hub.load_state_dict_from_url(
            _URL, map_location="cpu", check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError) as error:
        raise FacepriorError(
            f"{_URL}: cannot be fetched ({error}); give the file with --vgg, or set the feature weight to 0"
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FacepriorError(f"{path}: no such VGG-19 file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise FacepriorError(
            f"{path}: not readable as VGG-19 weights ({type(error).__name__}: {error})"
        ) from error
