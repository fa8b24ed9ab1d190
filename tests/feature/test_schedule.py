"""Learning rates, the adversarial weight, batches and parameter groups."""

import pytest
import torch
from torch import nn

from faceprior.networks.mtun import MTUN
from faceprior.training.config import LossConfig, OptimiserConfig, ScheduleConfig, TrainConfig
from faceprior.training.optim import Average, make_optimiser, set_rates
from faceprior.training.sampler import Sampler, how_often, seed_of
from faceprior.training.schedule import Position, adversarial_weight, lr_factor


def at(step: int, *, epoch: int = 0, elapsed: float = 0.0, max_time: float | None = None) -> Position:
    return Position(step, epoch, 1000, elapsed, max_time)


def test_paper_schedule():
    config = TrainConfig.load("paper")
    assert config.optimiser.smoothing == 0.99
    assert lr_factor(config.schedule, at(500, epoch=2)) == pytest.approx(0.99**2)
    assert lr_factor(config.schedule, at(49)) == pytest.approx(1 / 50)
    assert lr_factor(config.schedule, at(50)) == pytest.approx(1 / 5)
    assert lr_factor(config.schedule, at(100)) == 1


def test_cosine_falls_to_its_floor_by_steps_and_by_budget():
    steps = ScheduleConfig(kind="cosine", floor=0.1)
    assert lr_factor(steps, at(0)) == 1
    assert lr_factor(steps, at(500)) == pytest.approx(0.55)
    assert lr_factor(steps, at(1000)) == pytest.approx(0.1)
    assert lr_factor(steps, at(0, elapsed=50, max_time=100)) == 1  # the clock is not asked
    budget = steps.model_copy(update={"by": "budget"})
    assert lr_factor(budget, at(0, elapsed=50, max_time=100)) == pytest.approx(0.55)
    assert lr_factor(budget, at(900, elapsed=50, max_time=100)) == lr_factor(steps, at(900))  # the later one holds
    assert lr_factor(budget, at(10, elapsed=101, max_time=100)) == pytest.approx(0.1)


def test_linear_warm_up():
    config = ScheduleConfig(kind="constant", warmup="linear", warmup_steps=4)
    assert [lr_factor(config, at(i)) for i in range(5)] == [0.25, 0.5, 0.75, 1, 1]


def test_adversarial_weight_starts_decays_and_stops_at_its_floor():
    config = LossConfig(adversarial_weight=0.01, adversarial_decay=0.995, adversarial_floor=0.005, adversarial_start=2)
    assert adversarial_weight(config, 1) == 0
    assert adversarial_weight(config, 2) == 0.01
    assert adversarial_weight(config, 3) == pytest.approx(0.00995)
    assert adversarial_weight(config, 1000) == 0.005


def test_localisation_net_has_its_own_rate():
    model = MTUN(TrainConfig.load("tiny").model)
    config = OptimiserConfig(name="adamw", lr=0.01, localisation_lr=0.1, weight_decay=0.5)
    optimiser = make_optimiser(model, config, slow=list(model.localisation_parameters()))
    set_rates(optimiser, 0.5)
    slow = {id(p) for p in model.localisation_parameters()}
    seen = 0
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            seen += 1
            assert group["lr"] == pytest.approx(0.0005 if id(parameter) in slow else 0.005)
            assert group["weight_decay"] == (0.5 if parameter.ndim > 1 else 0)
    assert seen == len(list(model.parameters()))


def test_average_warms_up_and_follows():
    module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.zeros_(module[0].weight)
    average = Average(module, 0.5)
    nn.init.ones_(module[0].weight)
    module[1].num_batches_tracked += 3
    average.update(1)  # decay min(0.5, 2/11)
    assert average.module[0].weight.item() == pytest.approx(9 / 11)
    assert average.module[1].num_batches_tracked.item() == 3
    assert Average(module, 0.0).module is module


def test_sampler_visits_every_face_once_an_epoch_and_needs_no_memory():
    sampler = Sampler(20, 4, seed=3)
    epoch = torch.cat([sampler.at(i) for i in range(5)])
    assert sorted(epoch.tolist()) == list(range(20))
    assert not torch.equal(epoch, torch.cat([sampler.at(i) for i in range(5, 10)]))
    assert torch.equal(Sampler(20, 4, seed=3).at(7), sampler.at(7))
    assert Sampler(22, 4, seed=3).steps_per_epoch == 5  # the rest of an epoch is dropped


def test_turned_faces_come_more_often():
    often = how_often(torch.tensor([0.0, 29, -31, 46, -60, 74, 90]), 2)
    assert often.tolist() == [1, 1, 2, 4, 8, 8, 8]
    assert how_often(torch.tensor([0.0, 90]), 1).tolist() == [1, 1]
    sampler = Sampler(7, 2, seed=0, often=often)
    epoch = torch.cat([sampler.at(i) for i in range(sampler.steps_per_epoch)])
    assert torch.equal(epoch.bincount(minlength=7), often)


def test_seeds_differ():
    assert len({seed_of(0, name, step) for name in ("pairs", "step") for step in range(1000)}) == 2000


def test_skipped_draws_are_those_of_the_processes_before():
    """`Trainer._pairs` relies on it: process r skips what r processes draw."""
    whole = torch.rand(12, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    generator = torch.Generator().manual_seed(5)
    torch.rand(7, 5, generator=generator, dtype=torch.float64)
    assert torch.equal(torch.rand(5, 5, generator=generator, dtype=torch.float64), whole[7:])
