"""What scripts and servers run into: streams that are closed, a folder that is gone, names that are none."""

import os
import subprocess
import sys

import pytest

from faceprior.errors import FacepriorError
from faceprior.web.folder import PrivateFolder
from faceprior.web.service import file_name

COMMAND = f"{sys.executable} -m faceprior"


def shell(script: str, folder) -> subprocess.CompletedProcess:
    return subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_a_closed_standard_output(tmp_path):
    ran = shell(f"{COMMAND} models >&-", tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_a_folder_that_is_gone(tmp_path):
    (tmp_path / "a.png").touch()
    ran = shell(f"mkdir gone && cd gone && rmdir ../gone && {COMMAND} upscale ../a.png --offline", tmp_path)
    assert ran.returncode == 2 and "is gone" in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.parametrize("host", ["a..b", "h" * 300])
def test_a_host_that_no_machine_can_have(host):
    pytest.importorskip("starlette", reason="needs pip install 'faceprior[web]'")
    from faceprior.web.server import _listen

    with pytest.raises(FacepriorError, match="no name that a machine can have"):
        _listen(host, 0)


@pytest.mark.parametrize("name", ["写" * 80 + ".jpg", "𠮷" * 63 + ".png", "a" * 255])
def test_names_of_uploads_leave_room_for_endings(name):
    """80 letters may have 320 bytes: the photo was refused, with the name of the server's own folder."""
    stem = file_name(b"", name).removesuffix(".png")
    assert len(f"{stem}.heatmaps.png".encode()) <= 255 and stem.endswith("-restored")


@pytest.mark.parametrize("path", ["\0", "\ud800", "a/" * 3000], ids=["zero", "surrogate", "long"])
def test_paths_that_are_none_are_not_held(path):
    """Requests with them were answered with 500."""
    with PrivateFolder(60) as folder:
        assert not folder.holds(path)
