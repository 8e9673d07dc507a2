"""Fixtures for all tests."""

import os
from pathlib import Path

import jaxtyping
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of trained networks and photographs; without it a test skips, and fails in CI."""
    folder = Path(
        os.environ.get("XAI_HEATMAP_REFERENCE") or ROOT.parent / "shared" / "reference"
    ).resolve()
    if not (folder / "images").is_dir():
        reason = (
            f"needs the reference photographs and networks in {folder}; "
            "XAI_HEATMAP_REFERENCE names another folder"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture
def unchecked():
    """As users call it: without the checks of shapes and types that tests may be run with."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
