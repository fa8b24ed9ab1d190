"""TDAE (Yu and Porikli, CVPR 2017): transformative discriminative autoencoder, for unaligned input.

decoder with STNs (16 -> 128 px) -> encoder with STNs (back to an aligned 16 px) -> decoder (16 -> 128 px).
Widths are those of the authors' released family. Chosen where the sources are silent: the second decoder has no
STNs, since its input is aligned by then; both decoders are trained at once, end to end, with L2 on the first
decoder's face and on the encoder's LR as well (`stages`), where the authors train the three parts in turn.
"""

from collections.abc import Iterator
from itertools import chain

from torch import Tensor, nn

from ..blocks import conv_bn_relu, down, up
from ..mtun import MTUNOutput
from ..stn import Localisation, compose, paper_localisation, warp
from .config import TDAEConfig


class TDAE(nn.Module):
    """Unaligned (B, 3, 16, 16) -> upright (B, 3, 128, 128). `transform` is the four STNs' product."""

    def __init__(self, config: TDAEConfig | None = None):
        super().__init__()
        self.config = c = config or TDAEConfig()
        bounds = (c.max_angle, c.max_log_scale, c.max_shift)
        self.first = Decoder(c.decoder, bounds)
        self.encoder = Encoder(c.encoder, bounds)
        self.second = Decoder(c.decoder, None)

    def localisation_parameters(self) -> Iterator[nn.Parameter]:
        return chain(self.first.localisation_parameters(), self.encoder.localisation_parameters())

    def forward(self, lr: Tensor) -> MTUNOutput:
        rough, turn = self.first(lr)
        upright, more = self.encoder(rough)
        sr, _ = self.second(upright)
        return MTUNOutput(sr, [], compose(turn, more), stages=[rough, upright])


class Decoder(nn.Module):
    """conv3 at 16 px, three deconvolutions, conv3; with `bounds`, an STN at 16 and at 32 px."""

    def __init__(self, widths: tuple[int, int, int, int], bounds: tuple[float, float, float] | None):
        super().__init__()
        w16, w32, w64, w128 = widths
        self.conv16, self.up32 = conv_bn_relu(3, w16), up(w16, w32)
        self.tail = nn.Sequential(up(w32, w64), up(w64, w128), nn.Conv2d(w128, 3, 3, padding=1))
        self.stn16 = Localisation(paper_localisation(w16, 16), *bounds) if bounds else None
        self.stn32 = Localisation(paper_localisation(w32, 32), *bounds) if bounds else None

    def localisation_parameters(self) -> Iterator[nn.Parameter]:
        return chain(self.stn16.parameters(), self.stn32.parameters())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, 3, 16, 16) -> (B, 3, 128, 128) and the STNs' product, None without STNs."""
        x = self.conv16(x)
        if self.stn16 is None or self.stn32 is None:
            return self.tail(self.up32(x)), None
        turn = self.stn16(x)
        x = self.up32(warp(x, turn, 16))
        more = self.stn32(x)
        return self.tail(warp(x, more, 32)), compose(turn, more)


class Encoder(nn.Module):
    """(B, 3, 128, 128) -> the aligned LR (B, 3, 16, 16): three halvings with an STN at 32 and at 16 px, two conv3."""

    def __init__(self, widths: tuple[int, int, int, int], bounds: tuple[float, float, float]):
        super().__init__()
        w64, w32, w16, last = widths
        self.to32 = nn.Sequential(down(3, w64), down(w64, w32))
        self.to16 = down(w32, w16)
        self.tail = nn.Sequential(conv_bn_relu(w16, last), nn.Conv2d(last, 3, 3, padding=1))
        self.stn32 = Localisation(paper_localisation(w32, 32), *bounds)
        self.stn16 = Localisation(paper_localisation(w16, 16), *bounds)

    def localisation_parameters(self) -> Iterator[nn.Parameter]:
        return chain(self.stn32.parameters(), self.stn16.parameters())

    def forward(self, face: Tensor) -> tuple[Tensor, Tensor]:
        x = self.to32(face)
        turn = self.stn32(x)
        x = self.to16(warp(x, turn, 32))
        more = self.stn16(x)
        return self.tail(warp(x, more, 16)), compose(turn, more)
