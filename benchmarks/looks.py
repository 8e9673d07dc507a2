"""What looks at a network in training cost: ``python -m benchmarks.looks``.

A MobileNetV2 learns from 2,000 pictures of noise, with a look at 8 pictures after each epoch,
drawn and written. The ratio is the processor time of the epochs with their looks ÷ that of the
epochs alone: both are of one run, so that what else the machine does falls on both.
"""

import argparse
import contextlib
import io
import tempfile
import time

import numpy as np
import torch
from torch import nn

from benchmarks.architectures import mobilenet_v2
from xai_heatmap.training import Heatmaps


def main() -> None:
    """Train for a few epochs and print what the looks cost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--side", type=int, default=96)
    said = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = mobilenet_v2()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    y = torch.randint(0, 1000, (said.pictures,))
    watched = np.random.default_rng(0).integers(
        0, 256, (8, said.side, said.side, 3), dtype=np.uint8
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        heatmaps = Heatmaps(
            list(watched), folder, preprocess="unit",
            opening={"image_shape": (3, said.side, said.side)},
        )  # fmt: skip
        trained = looked = 0.0
        each = list[float]()
        for epoch in range(1, said.epochs + 1):
            start = time.process_time()
            model.train()
            for rows in torch.randperm(said.pictures).split(32):
                optimizer.zero_grad()
                x = torch.rand(len(rows), 3, said.side, said.side)
                nn.functional.cross_entropy(model(x), y[rows]).backward()
                optimizer.step()
            middle = time.process_time()
            heatmaps.after(epoch, model)
            each.append(time.process_time() - middle)
            trained, looked = trained + middle - start, looked + each[-1]
        start = time.process_time()
        heatmaps.finish(said.epochs, model)
        looked += time.process_time() - start
    print(
        f"{said.pictures} pictures of {said.side} pixels, {said.epochs} epochs: "
        f"{trained:.1f} s of training, looks {', '.join(f'{one:.2f}' for one in each)} s, "
        f"ratio {(trained + looked) / trained:.4f}"
    )


if __name__ == "__main__":
    main()
