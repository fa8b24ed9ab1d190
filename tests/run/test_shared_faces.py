"""Rows side by side share their faces: what they get is what each would have loaded."""

import multiprocessing
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from faceprior.dataset.store import TENSORS, FaceStore  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.evaluation.reproduce import shared  # noqa: E402
from faceprior.training.config import TrainConfig  # noqa: E402
from faceprior.training.loop import Trainer  # noqa: E402

WHOLE = TrainConfig.load("tiny", ["run.steps=3", "run.batch=4", "run.pictures=0", "data.val_faces=4"])


def same(a: FaceStore, b: FaceStore) -> None:
    assert (a.names, a.sources, a.persons) == (b.names, b.sources, b.persons)
    for name in TENSORS:
        assert torch.equal(getattr(a, name), getattr(b, name)), name


@pytest.mark.parametrize("limit", [None, 1, 7, 10_000])
@pytest.mark.parametrize("max_yaw", [None, 10.0])
def test_a_selection_is_what_loading_gives(tiny_shards, limit, max_yaw):
    store = FaceStore.load(tiny_shards, "train")
    sources = sorted(set(store.sources))
    for some in (None, sources[:1]):
        try:
            loaded = FaceStore.load(tiny_shards, "train", limit=limit, sources=some, max_yaw=max_yaw)
        except FacepriorError:
            with pytest.raises(FacepriorError):
                store.select(limit=limit, sources=some, max_yaw=max_yaw)
            continue
        same(store.select(limit=limit, sources=some, max_yaw=max_yaw), loaded)
    assert store.select() is store


def _seen(store: FaceStore, pipe) -> None:
    pipe.send((store.contexts.is_shared(), store.names, store.contexts.float().mean((1, 2, 3)).tolist()))


@pytest.mark.skipif(not shared.SHARED.is_dir(), reason="no shared memory here")
def test_another_process_sees_the_same_faces(tiny_shards):
    store = shared.share_faces([WHOLE, WHOLE], tiny_shards, "cpu")
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_seen, args=(store, there))
    process.start()
    is_shared, names, means = here.recv()
    process.join()
    assert is_shared and names == store.names
    assert np.allclose(means, store.contexts.float().mean((1, 2, 3)).tolist())


def test_they_are_shared_only_where_two_rows_want_all_and_there_is_room(tiny_shards, monkeypatch):
    part = replace_data(faces=8)
    assert shared.share_faces([WHOLE, part], tiny_shards, "cpu") is None
    assert shared.share_faces([WHOLE, replace_data(max_yaw=15.0)], tiny_shards, "cpu") is None
    monkeypatch.setattr(shared.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**16))
    assert shared.share_faces([WHOLE, WHOLE], tiny_shards, "cpu") is None


def replace_data(**values) -> TrainConfig:
    return WHOLE.model_copy(update={"data": WHOLE.data.model_copy(update=values)})


def test_a_run_learns_the_same_from_given_faces(tiny_shards, tmp_path):
    store = FaceStore.load(tiny_shards, "train")
    for name, faces in (("own", None), ("given", replace(store))):
        assert Trainer(WHOLE, tiny_shards, tmp_path / name, device="cpu", faces=faces).fit() == "done"
    from faceprior.networks.weights import load_model

    own, given = (load_model(tmp_path / name / "model.safetensors").state_dict() for name in ("own", "given"))
    assert own.keys() == given.keys() and all(torch.equal(own[k], given[k]) for k in own)
