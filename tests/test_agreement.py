"""What docs/agreement.md says of other packages is still so."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(sys.prefix) / "peers"
EXPLAINED = 2e-3
"""Of a map from 0 to 1; paths through ReLUs that switch at rounding leave 1e-3."""


@pytest.mark.slow
@pytest.mark.reference
def test_the_page_says_what_the_peers_do(reference):
    if not (PEERS / "installed").exists():
        pytest.skip("the peers are not installed: make peers")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.methods_agree", "--json", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    written = dict(_written())
    for row in found:
        said = written[row["method"], row["peer"]]
        assert said.partition(" (with that")[0] == row["said"]
        assert row["said"] == "the same" or row["explained"] < EXPLAINED, row
    assert {row["peer"] for row in found} == {peer for _, peer in written}


def _written():
    """What the page says, by method and peer."""
    for line in (ROOT / "docs" / "agreement.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield (cells[0].strip("`"), re.sub(r" [\d.]+$", "", cells[1])), cells[-1]
