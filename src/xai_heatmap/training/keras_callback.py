"""Callback of Keras, on any of its backends."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xai_heatmap.training.heatmaps import Heatmaps


def callback(heatmaps: "Heatmaps") -> Any:
    """A ``keras.callbacks.Callback`` that looks after an epoch, and once more at the end."""
    import keras

    class HeatmapsCallback(keras.callbacks.Callback):
        """Looks of `heatmaps` while ``model.fit`` runs."""

        done = 0

        def on_train_begin(self, logs: Any = None) -> None:
            heatmaps.begin()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.done = epoch + 1
            heatmaps.after(self.done, self.model)

        def on_train_end(self, logs: Any = None) -> None:
            heatmaps.finish(self.done, self.model)

    return HeatmapsCallback()
