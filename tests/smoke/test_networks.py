"""Every variant of the generator: shapes, a gradient for every parameter, no NaN."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from faceprior.networks.config import MTUNConfig  # noqa: E402
from faceprior.networks.discriminator import Discriminator  # noqa: E402
from faceprior.networks.mtun import MTUN  # noqa: E402
from faceprior.networks.stn import Localisation  # noqa: E402

COMPACT = MTUNConfig.compact()
SMALL = replace(
    MTUNConfig(),
    encoder=(4, 8, 8, 16),
    decoder=(16, 8, 8, 8),
    upsample=(8, 8),
    aligned=8,
    hourglass_features=8,
    branch_a=(8, 8),
    branch_b=8,
    fusion=(8, 8, 4),
)
VARIANTS = {
    "compact": COMPACT,
    "paper-small": SMALL,
    "R16": replace(SMALL, heb=16),
    "R32": replace(SMALL, heb=32),
    "R16-no-skip": replace(SMALL, heb=16, skip=False),
    "S1": replace(SMALL, stacks=1),
    "S2": replace(SMALL, stacks=2),
    "no-heb": replace(SMALL, heb=0),
    "no-skip": replace(SMALL, skip=False),
    "no-autoencoder": replace(SMALL, autoencoder=False),
    "no-autoencoder-R16": replace(SMALL, autoencoder=False, heb=16),
    "lr-localisation": replace(SMALL, localisation="lr"),
    "base": replace(SMALL, base=True),
    "subpixel-no-skip": replace(SMALL, tail="subpixel", skip=False),
    "standard": MTUNConfig.standard(),
    "trunk": replace(SMALL, trunk=(2, 8)),
    "cascade": replace(SMALL, localisation="cascade"),
    **{f"shuffle-R{heb}": replace(SMALL, tail="shuffle", heb=heb, skip=heb != 16) for heb in (16, 32, 64)},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variant(name):
    torch.manual_seed(0)
    config = VARIANTS[name]
    model = MTUN(config)
    with torch.no_grad():  # the last layer starts at zero, which stops the gradient of those before it
        for module in model.modules():
            if isinstance(module, Localisation):
                module.net[-1].weight.normal_(0, 0.01)
    out = model(torch.rand(2, 3, 16, 16) * 2 - 1)
    assert out.sr.shape == (2, 3, 128, 128)
    assert out.transform.shape == (2, 2, 3)
    stacks = config.stacks if config.heb else 0
    assert [tuple(h.shape) for h in out.heatmaps] == [(2, 4, config.heb, config.heb)] * stacks
    loss = out.sr.square().mean() + sum(h.square().mean() for h in out.heatmaps)
    loss = loss + sum(t.square().mean() for t in out.looks) + sum(p.square().mean() for _, p in out.points)
    loss.backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name


def test_paper_network_has_the_released_size():
    with torch.device("meta"):
        model = MTUN()
    count = sum(p.numel() for p in model.parameters())
    assert 44e6 < count < 47e6
    assert 41e6 < sum(p.numel() for p in model.autoencoder.parameters()) < 43e6


def test_discriminator():
    d = Discriminator()
    assert d(torch.zeros(2, 3, 128, 128)).shape == (2, 1)
    assert d.net[-4].in_features == 6144  # the paper's FC input


@pytest.mark.parametrize(
    "wrong",
    [
        *({"heb": 48}, {"stacks": 0}, {"encoder": (1, 2)}, {"tail": "x"}, {"aligned": 0}, {"localisation": ""}),
        *({"landmarks": True}, {"trunk": (2, 0)}, {"blocks": (1, -1, 1)}),
    ],
)
def test_config_names_the_field(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(SMALL, **wrong)


def test_config_takes_lists_from_toml():
    assert MTUNConfig(encoder=[1, 2, 3, 4]).encoder == (1, 2, 3, 4)
