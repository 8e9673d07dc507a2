"""Callback of the trainer of transformers."""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from xai_heatmap.core.errors import MissingFramework

if TYPE_CHECKING:
    from xai_heatmap.training.heatmaps import Heatmaps


def callback(heatmaps: "Heatmaps") -> Any:
    """A ``TrainerCallback`` that looks after an epoch, and once more at the end.

    Raises
    ------
    MissingFramework
        Where ``transformers`` is not installed.
    """
    if importlib.util.find_spec("transformers") is None:
        raise MissingFramework(
            "heatmaps.transformers() needs transformers, which is not installed: "
            "pip install transformers"
        )
    transformers = importlib.import_module("transformers")

    class HeatmapsCallback(transformers.TrainerCallback):
        """Looks of `heatmaps` while ``Trainer.train`` runs."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            heatmaps.begin()

        def on_epoch_end(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            if state.is_world_process_zero:
                heatmaps.after(max(round(state.epoch), 1), known["model"])

        def on_train_end(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            if state.is_world_process_zero:
                heatmaps.finish(round(state.epoch), known["model"])

    return HeatmapsCallback()
