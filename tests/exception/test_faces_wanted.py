"""Faces that are asked for and not there: which there are, or how to do without."""

import pytest
from drawn_faces import draw_folder

pytest.importorskip("lightning")

from faceprior.dataset.prepare import PrepareOptions, prepare
from faceprior.dataset.store import FaceStore
from faceprior.errors import FacepriorError
from faceprior.training.config import TrainConfig
from faceprior.training.devices import make_fabric
from faceprior.training.faces import load_faces
from faceprior.training.loop import Trainer


def test_a_source_that_is_none_names_those_that_are(tiny_shards):
    with pytest.raises(FacepriorError, match="no faces of source helen in split 'val', which has drawn"):
        FaceStore.load(tiny_shards, "val", sources=["helen"])


def test_faces_that_all_fall_to_a_bound_are_not_said_to_be_missing(tiny_shards):
    with pytest.raises(FacepriorError, match="of the pose and size that are asked for"):
        FaceStore.load(tiny_shards, "val", min_side=1e6)


def test_training_without_validation_faces_says_how(tmp_path):
    """One person leaves the split of 4 % empty."""
    draw_folder(tmp_path / "drawn", {"train": 2})
    for i, path in enumerate(sorted((tmp_path / "drawn").glob("*.png"))):
        path.rename(path.with_name(f"a_{i}.png"))
        path.with_suffix(".pts").rename(path.with_name(f"a_{i}.pts"))
    prepare([tmp_path / "drawn"], tmp_path / "shards", PrepareOptions(persons="name", split_salt="1"), workers=1)
    config = TrainConfig.load("tiny", ["run.batch=2"])
    expected = r"no faces in split 'val'; it has 2 in 'train'; --set data\.val_faces=0 trains without"
    with pytest.raises(FacepriorError, match=expected):
        load_faces(config, tmp_path / "shards", make_fabric("cpu", None, "32-true"))


def test_a_vgg_that_is_not_there_is_said_before_a_face_is_read(tmp_path):
    config = TrainConfig.load("tiny", ["loss.feature_weight=0.1", "run.batch=2"])
    draw_folder(tmp_path / "drawn", {"train": 4})
    prepare([tmp_path / "drawn"], tmp_path / "shards", workers=1)
    for shard in (tmp_path / "shards").glob("*.parquet"):
        shard.write_bytes(b"")  # whoever reads them fails
    with pytest.raises(FacepriorError, match=r"nowhere\.safetensors: no such VGG-19 file"):
        Trainer(config, tmp_path / "shards", tmp_path / "run", device="cpu", vgg=tmp_path / "nowhere.safetensors").fit()
    assert not (tmp_path / "run").exists()
