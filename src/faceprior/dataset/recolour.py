"""Other colours for the same face: an augmentation of training."""

from torch import Tensor


def recolour(images: Tensor, jitter: Tensor) -> None:
    """(B, 3, H, W) in [-1, 1] with 8-bit values, in place. `jitter` (B, 6): brightness, saturation, contrast x gain of
    each channel (three), contrast. A grey point stays where it is but for brightness and the gains."""
    j = jitter[:, :, None, None]
    grey = images.mean(1, keepdim=True)
    images.sub_(grey).mul_(1 + 2 * j[:, 1:2]).add_(grey)
    images.mul_((1 + j[:, 2:5]) * (1 + j[:, 5:6])).add_(j[:, :1])
    images.add_(1).mul_(127.5).round_().clamp_(0, 255).div_(127.5).sub_(1)
