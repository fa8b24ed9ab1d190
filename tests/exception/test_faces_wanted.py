"""Faces that are asked for and not there: which there are, or how to do without."""

import pytest
from drawn_faces import draw_folder

pytest.importorskip("lightning")

from faceprior.dataset.prepare import prepare
from faceprior.dataset.store import FaceStore
from faceprior.errors import FacepriorError
from faceprior.training.config import TrainConfig
from faceprior.training.devices import make_fabric
from faceprior.training.faces import load_faces


def test_a_source_that_is_none_names_those_that_are(tiny_shards):
    with pytest.raises(FacepriorError, match="no faces of source helen in split 'val', which has drawn"):
        FaceStore.load(tiny_shards, "val", sources=["helen"])


def test_faces_that_all_fall_to_a_bound_are_not_said_to_be_missing(tiny_shards):
    with pytest.raises(FacepriorError, match="of the pose and size that are asked for"):
        FaceStore.load(tiny_shards, "val", min_side=1e6)


def test_training_without_validation_faces_says_how(tmp_path):
    """Few persons leave the split of 4 % empty."""
    draw_folder(tmp_path / "drawn", {"train": 2})
    prepare([tmp_path / "drawn"], tmp_path / "shards", workers=1)
    config = TrainConfig.load("tiny", ["run.batch=2"])
    with pytest.raises(FacepriorError, match=r"no faces in split 'val'; --set data\.val_faces=0 trains without"):
        load_faces(config, tmp_path / "shards", make_fabric("cpu", None, "32-true"))
