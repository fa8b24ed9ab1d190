"""Muon: which weights it is for, how it moves them, and that a run goes on exactly where it stopped."""

import pytest
import torch
from torch import nn

from faceprior.networks.unet import UNet
from faceprior.networks.unet_config import UNetConfig
from faceprior.training.config import OptimiserConfig
from faceprior.training.muon import Muon, hidden_weights, orthogonal
from faceprior.training.optim import make_optimiser

CONFIG = OptimiserConfig(name="muon", lr=1e-2, weight_decay=0.0)


@pytest.mark.parametrize("shape", [(16, 600), (64, 64), (200, 24)])
def test_singular_values_come_near_one(shape):
    u, s, v = torch.linalg.svd(torch.randn(shape, generator=torch.Generator().manual_seed(1)), full_matrices=False)
    spread = u @ torch.diag(torch.logspace(0, -1.5, len(s))) @ v
    values = torch.linalg.svdvals(orthogonal(spread))
    assert values[0] < 1.35
    assert values[: len(values) // 2].min() > 0.5


def test_a_scaled_gradient_is_the_same_direction():
    gradient = torch.randn(32, 90, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(orthogonal(gradient), orthogonal(gradient * 1000), atol=0.02)


def test_it_is_for_hidden_convolutions_alone():
    network = UNet(UNetConfig(base="bicubic", channels=(16, 32), blocks=(1, 1), tail=(8, 4)))
    chosen = hidden_weights(network)
    names = {name for name, p in network.named_parameters() if id(p) in chosen}
    assert {"down.0.weight", "up.0.0.weight"} <= names
    assert any(name.startswith("ins.1.") for name in names)
    assert not {n for n in names if n.startswith(("positions", "heatmaps")) or n.endswith("bias")}
    colours = [n for n, p in network.named_parameters() if p.ndim == 4 and p.shape[0] == 3]
    assert colours and not set(colours) & names


def test_frozen_weights_are_in_no_group():
    network = UNet(UNetConfig(base="bicubic", channels=(16, 32), blocks=(1, 1), tail=(8, 4)))
    held = {id(p) for group in make_optimiser(network, CONFIG).param_groups for p in group["params"]}
    assert held == {id(p) for p in network.parameters() if p.requires_grad}


def a_network() -> nn.Module:
    torch.manual_seed(0)
    first, hidden = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), hidden, nn.ReLU(), nn.Conv2d(16, 3, 1))


def steps(network: nn.Module, optimiser: torch.optim.Optimizer, numbers: range) -> float:
    for number in numbers:
        x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(number))
        optimiser.zero_grad()
        loss = (network(x) - x.roll(1, 3)).square().mean()
        loss.backward()
        optimiser.step()
    return float(loss.detach())


def test_a_step_moves_a_hidden_weight_by_the_rate_and_lets_its_gradient_go():
    network = a_network()
    optimiser = make_optimiser(network, CONFIG)
    before = network[2].weight.detach().clone()
    steps(network, optimiser, range(1))
    moved = (network[2].weight.detach() - before).square().mean().sqrt()
    assert float(moved) == pytest.approx(0.2 * 1e-2, rel=0.25)
    assert network[2].weight.grad is None and network[4].weight.grad is not None


def test_it_learns_and_a_stopped_run_goes_on_exactly():
    whole, halves = a_network(), a_network()
    optimiser = make_optimiser(whole, CONFIG)
    first = steps(whole, optimiser, range(1))
    last = steps(whole, optimiser, range(1, 60))
    assert last < 0.5 * first

    stopped = make_optimiser(halves, CONFIG)
    steps(halves, stopped, range(30))
    state = stopped.state_dict()
    again = make_optimiser(halves, CONFIG)
    again.load_state_dict(state)
    steps(halves, again, range(30, 60))
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_closure_is_refused():
    with pytest.raises(ValueError, match="closure"):
        Muon([{"params": [nn.Parameter(torch.zeros(2))], "lr": 0.1}]).step(lambda: 0.0)
