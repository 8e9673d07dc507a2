"""Callback of Lightning."""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from xai_heatmap.core.errors import MissingFramework

if TYPE_CHECKING:
    from xai_heatmap.training.heatmaps import Heatmaps


def callback(heatmaps: "Heatmaps") -> Any:
    """A Lightning ``Callback`` that looks after an epoch, and once more at the end.

    Raises
    ------
    MissingFramework
        Where neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """

    class HeatmapsCallback(_base()):
        """Looks of `heatmaps` while ``Trainer.fit`` runs."""

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            heatmaps.begin()

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if trainer.is_global_zero:
                heatmaps.after(trainer.current_epoch + 1, pl_module)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            if trainer.is_global_zero:
                heatmaps.finish(trainer.current_epoch, pl_module)

    return HeatmapsCallback()


def _base() -> type:
    """Lightning's own class, of the package that is there."""
    for package in ("lightning.pytorch", "pytorch_lightning"):
        if importlib.util.find_spec(package.partition(".")[0]):
            return importlib.import_module(package).Callback
    raise MissingFramework(
        "heatmaps.lightning() needs Lightning, which is not installed: pip install lightning"
    )
