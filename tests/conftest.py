"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of trained networks and photographs; absent, the test is skipped, in CI it fails."""
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
