"""A run that starts from given weights."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.networks.weights import load_model, read_header  # noqa: E402
from faceprior.training.config import TrainConfig  # noqa: E402
from faceprior.training.loop import Trainer  # noqa: E402


def _train(data, run, *overrides):
    config = TrainConfig.load("tiny", ["data.val_faces=4", "run.pictures=0", *overrides])
    Trainer(config, data, run, device="cpu").fit()
    return load_model(run / "model.safetensors")


def test_starts_from_the_given_weights(tiny_shards, tmp_path):
    first = _train(tiny_shards, tmp_path / "a", "run.steps=6", "optimiser.ema=0")
    # With a rate of almost nothing the second run ends where it began: at the first one's weights.
    start = f"run.initial={tmp_path / 'a' / 'model.safetensors'}"
    second = _train(tiny_shards, tmp_path / "b", start, "run.steps=1", "run.seed=7", "optimiser.lr=1e-12")
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(b, a, atol=1e-6, rtol=0, msg=name)
    provenance = read_header(tmp_path / "b" / "model.safetensors")["provenance"]
    assert provenance["config"]["run"]["initial"] == "a/model.safetensors"  # no folder of this machine


def test_refuses_weights_of_another_network(tiny_shards, tmp_path):
    _train(tiny_shards, tmp_path / "a", "run.steps=1")
    start = f"run.initial={tmp_path / 'a' / 'model.safetensors'}"
    with pytest.raises(FacepriorError, match="another network"):
        _train(tiny_shards, tmp_path / "b", start, "model.heb=64", "run.steps=1")


def test_a_sharp_tail_trains_on_a_frozen_network(tiny_shards, tmp_path):
    base = _train(tiny_shards, tmp_path / "a", "run.steps=2", "optimiser.ema=0")
    start = f"run.initial={tmp_path / 'a' / 'model.safetensors'}"
    sharp = _train(tiny_shards, tmp_path / "b", start, "model.sharp=true", "run.steps=3", "optimiser.ema=0")
    state, before = sharp.state_dict(), base.state_dict()
    assert all(torch.equal(state[name], value) for name, value in before.items())  # BatchNorm's statistics too
    tail = [name for name in before if name.startswith("tail.") and "num_batches" not in name]
    assert any(not torch.equal(state[f"sharp_{name}"], before[name]) for name in tail)
    again = f"run.initial={tmp_path / 'b' / 'model.safetensors'}"
    on = _train(tiny_shards, tmp_path / "c", again, "model.sharp=true", "run.steps=1", "optimiser.lr=1e-12")
    learned = dict(on.named_parameters())
    torch.testing.assert_close(learned, {name: state[name] for name in learned}, atol=1e-6, rtol=0)
    plain = _train(tiny_shards, tmp_path / "e", again, "run.steps=1", "optimiser.lr=1e-12")  # the tail falls away
    assert {name for name, _ in plain.named_parameters()} == {name for name, _ in base.named_parameters()}
    with pytest.raises(FacepriorError, match=r"name that one as run\.initial"):
        _train(tiny_shards, tmp_path / "d", "model.sharp=true", "run.steps=1")
