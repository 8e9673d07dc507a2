"""What is published: the wheel holds the package, and the source archive builds the wheel."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="needs hatchling")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
MOST = 3_000_000
"""Bytes of the wheel."""


def built(source, folder):
    """Source archive and wheel of a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def held(wheel):
    """Name and checksum of every file of a wheel."""
    return {one.filename: one.CRC for one in zipfile.ZipFile(wheel).infolist()}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return built(ROOT, tmp_path_factory.mktemp("dist"))


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(published):
    own = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src" / "xai_heatmap").rglob("*")
        if path.is_file() and not {"__pycache__", "ui"} & set(path.parts)
    }
    files = {name for name in held(published[1]) if ".dist-info/" not in name}
    assert files == own
    assert published[1].stat().st_size <= MOST


def test_the_source_archive_builds_the_same_wheel(published, tmp_path):
    with tarfile.open(published[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert (source / "tests" / Path(__file__).name).is_file()
    _, again = built(source, tmp_path / "dist")
    assert held(again) == held(published[1])
