"""PSNR and SSIM of 8-bit faces under a named protocol; optionally over the pixels inside the source photo.

'paper' (paper section 4.1 as this project fixes it): RGB, all pixels. 'aligned-y' (DIC, SPARNet, SFMNet): the luma
of MATLAB's rgb2ycbcr, rounded to 8 bit as MATLAB does, a border left out. Both are means over images of each
image's own figure, so no figure is a PSNR of a mean error.

SSIM (Wang et al. 2004): Gaussian window 11x11, sigma 1.5, K1 = 0.01, K2 = 0.03, range 255, RGB averaged over the
three channels. 'paper' averages the map over all pixels, edges reflected; 'aligned-y' over the pixels whose
window fits the cropped image, as those papers' code does.
"""

import numpy as np
import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from ..dataset.context import HR, OFFSET
from ..dataset.protocol import Protocol

PEAK = 255.0
PSNR_CAP = 100.0  # dB, for identical images; the smallest error that 8-bit RGB 128x128 can have is 95 dB
WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03


def to_levels(x: Tensor) -> Tensor:
    """float (..., ) in [-1, 1] -> the 8-bit levels 0..255, float32."""
    return ((x.float() + 1) * 127.5).round().clamp(0, 255)


def as_levels(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """uint8 (N, H, W, 3) -> float32 (N, 3, H, W) levels 0..255."""
    return torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2).float()


def luma(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) levels 0..255 -> (N, 1, H, W) BT.601 luma, whole levels 16..235 (MATLAB rgb2ycbcr on uint8)."""
    weights = rgb.new_tensor([65.481, 128.553, 24.966]) / 255
    return (16 + (rgb * weights[:, None, None]).sum(1, keepdim=True)).round()


def scored_part(images: Tensor, protocol: Protocol) -> Tensor:
    """(N, 3, H, W) levels -> what the protocol scores: (N, 3 or 1, H - 2 border, W - 2 border) levels."""
    if protocol.channel == "y":
        images = luma(images)
    return crop(images, protocol.border)


def crop(x: Tensor, border: int) -> Tensor:
    """Leaves `border` pixels out on each side of the last two dimensions."""
    return x[..., border : x.shape[-2] - border, border : x.shape[-1] - border] if border else x


def psnr(output: Tensor, truth: Tensor, inside: Tensor | None = None) -> Tensor:
    """(N, C, H, W) levels, optionally bool (N, H, W) -> (N,) dB, at most `PSNR_CAP`; NaN where nothing is inside."""
    if inside is None:
        values = peak_signal_noise_ratio(output, truth, data_range=PEAK, reduction="none", dim=(1, 2, 3))
        return values.clamp(max=PSNR_CAP)
    error = masked_mean((output - truth).square().mean(1), inside)
    return (10 * torch.log10(PEAK**2 / error)).clamp(max=PSNR_CAP)


def ssim_map(output: Tensor, truth: Tensor) -> Tensor:
    """(N, C, H, W) levels -> (N, H, W): the SSIM at each pixel, edges reflected, mean over channels."""
    _, full = structural_similarity_index_measure(
        output,
        truth,
        gaussian_kernel=True,
        sigma=SIGMA,
        kernel_size=WINDOW,
        reduction="none",
        data_range=PEAK,
        k1=K1,
        k2=K2,
        return_full_image=True,  # which part of the map is averaged differs between versions of torchmetrics
    )
    return full.mean(1)


def ssim(output: Tensor, truth: Tensor, inside: Tensor | None = None, *, whole_windows: bool = False) -> Tensor:
    """(N, C, H, W) levels -> (N,): mean of the map over all pixels, or over those of `inside`, bool (N, H, W).

    `whole_windows` leaves out pixels whose window leaves the image.
    """
    return _mean_of_map(ssim_map(output, truth), inside, whole_windows)


def score_images(output: Tensor, truth: Tensor, protocol: Protocol, inside: Tensor | None = None) -> dict[str, Tensor]:
    """Output and truth as (N, 3, 128, 128) levels -> per-image figures, each (N,).

    `psnr` (dB) and `ssim` as the protocol has them; with `inside`, bool (N, 128, 128), also `psnr_inside` and
    `ssim_inside`, over those pixels alone.
    """
    a, b = scored_part(output, protocol), scored_part(truth, protocol)
    whole = protocol.channel == "y"
    similarity = ssim_map(a, b)
    result = {"psnr": psnr(a, b), "ssim": _mean_of_map(similarity, None, whole)}
    if inside is not None:
        part = crop(inside, protocol.border)
        result["psnr_inside"] = psnr(a, b, part)
        result["ssim_inside"] = _mean_of_map(similarity, part, whole)
    return result


def inside_photo(corners: Tensor) -> Tensor:
    """The source photo's corners TL, TR, BR, BL, (N, 4, 2) context pixels -> bool (N, 128, 128).

    True at the HR pixels whose centre the photo covers; what lies outside was replicated from its edge.
    """
    t = torch.arange(HR, device=corners.device, dtype=torch.float64) + OFFSET
    x, y = t.view(1, 1, HR), t.view(1, HR, 1)
    start = corners.double()
    edge = start.roll(-1, 1) - start
    result = torch.ones(len(corners), HR, HR, dtype=torch.bool, device=corners.device)
    for k in range(4):  # on the right of each edge of a convex quadrilateral that runs clockwise on screen
        (x0, y0), (dx, dy) = start[:, k].T[..., None, None], edge[:, k].T[..., None, None]
        result &= dx * (y - y0) - dy * (x - x0) >= 0
    return result


def masked_mean(values: Tensor, inside: Tensor) -> Tensor:
    """(N, H, W) and bool (N, H, W) -> (N,), NaN where nothing is inside."""
    return torch.where(inside, values, 0).sum((1, 2), dtype=torch.float64) / inside.sum((1, 2))


def _mean_of_map(similarity: Tensor, inside: Tensor | None, whole_windows: bool) -> Tensor:
    edge = WINDOW // 2 if whole_windows else 0
    similarity = crop(similarity, edge)
    return similarity.mean((1, 2)) if inside is None else masked_mean(similarity, crop(inside, edge))
