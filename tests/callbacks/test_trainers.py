"""Callbacks of Lightning and transformers: looks in a real training, which stays what it was."""

import importlib
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from xai_heatmap.core.errors import MissingFramework
from xai_heatmap.training import Heatmaps, lightning_callback, transformers_callback

PICTURES = [np.full((16, 16, 3), value, np.uint8) for value in (60, 200)]


def looking(every=2):
    return Heatmaps(PICTURES, every=every, preprocess="unit", opening={"image_shape": (3, 16, 16)})


def body():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip


def data():
    made = torch.Generator().manual_seed(0)
    return torch.rand(12, 3, 16, 16, generator=made), torch.arange(12) % 3


def same(one, other):
    return all(torch.equal(own, other[name]) for name, own in one.items())


def module(lightning):
    """A Lightning module around a small network."""

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.body = body()

        def forward(self, x):
            return self.body(x)

        def training_step(self, batch, _):
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-2)

    return Module()


@pytest.mark.slow
def test_lightning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's own, of torch 2.13
        lightning = pytest.importorskip("lightning.pytorch")

        def trained(callbacks):
            torch.manual_seed(0)
            model = module(lightning)
            loader = torch.utils.data.DataLoader(
                torch.utils.data.TensorDataset(*data()), 4, shuffle=True
            )
            trainer = lightning.Trainer(
                max_epochs=3, callbacks=callbacks, logger=False, enable_checkpointing=False,
                enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
                default_root_dir=tmp_path,
            )  # fmt: skip
            trainer.fit(model, loader)
            return model.state_dict()

        heatmaps = looking()
        assert same(trained([heatmaps.lightning()]), trained([]))
    assert [look.epoch for look in heatmaps.looks] == [1, 2, 3]


class Answers(nn.Module):
    """A model as the trainer of transformers takes it."""

    def __init__(self):
        super().__init__()
        self.body = body()

    def forward(self, pixel_values, labels=None):
        logits = self.body(pixel_values)
        if labels is None:
            return {"logits": logits}
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


@pytest.mark.slow
def test_transformers(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("accelerate")
        transformers = importlib.import_module("transformers")
        x, y = data()
        rows = [{"pixel_values": one, "labels": int(own)} for one, own in zip(x, y, strict=True)]

        def trained(callbacks):
            transformers.set_seed(0)
            model = Answers()
            how = transformers.TrainingArguments(
                str(tmp_path), num_train_epochs=3, per_device_train_batch_size=4, report_to=[],
                save_strategy="no", use_cpu=True, disable_tqdm=True, logging_strategy="no",
            )  # fmt: skip
            transformers.Trainer(model, how, train_dataset=rows, callbacks=callbacks).train()
            return model.state_dict()

        heatmaps = looking()
        assert same(trained([heatmaps.transformers()]), trained([]))
    assert [look.epoch for look in heatmaps.looks] == [1, 2, 3]


@pytest.mark.parametrize("of", [lightning_callback, transformers_callback])
def test_a_missing_trainer_says_what_to_install(of, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(MissingFramework, match="pip install"):
        of.callback(looking())
