#!/usr/bin/env bash
# PyTorch: batch_norm writes its running mean in place without a new version of the tensor.
#
# Seen with torch 2.13.0. A tensor's _version grows with each write in place; autograd and caches
# rely on it to notice a change. functional.batch_norm(training=True) changes the running mean and
# leaves the version alone; instance_norm, which does the same work, raises it.
# Guess: one write in place, one version more.
# Output seen:
#   batch_norm     changed True version 0
#   instance_norm  changed True version 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import torch
from torch.nn import functional

torch.manual_seed(0)
x, seen = torch.randn(2, 3, 4, 4) + 1, []
for name, norm, word in (("batch_norm", functional.batch_norm, "training"), ("instance_norm", functional.instance_norm, "use_input_stats")):
    mean, variance = torch.zeros(3), torch.ones(3)
    norm(x, mean, variance, **{word: True})
    seen.append(mean._version)
    print(f"{name:14} changed {bool(mean.any())} version {mean._version}")
    assert mean.any()
assert seen == [0, 1], "the versions are others now"
PYTHON
