"""Heatmaps of a few fixed pictures after every few epochs of a training."""

import contextlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from xai_heatmap import networks
from xai_heatmap.core.arrays import Image
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import Network
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.batched import Ask
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.preparing import Preparing, prepared_by
from xai_heatmap.explaining.request import choice, usual_method, with_options
from xai_heatmap.training.film import film, page
from xai_heatmap.training.loggers import Log, Told, logged_to
from xai_heatmap.training.look import Look, moves, numbers


class Heatmaps:
    """Heatmaps of fixed pictures while a network trains: one forward and one backward pass each
    time, nothing of the training changed.

    The model's weights, modes, gradients, and every random state are after a look what they were
    before. What goes wrong in a look is one warning, and the training goes on.

    Parameters
    ----------
    pictures
        Up to about a dozen: whatever `xai_heatmap.explain` takes for a picture, the same each time.
    to
        Where sheets go: a folder, a ``SummaryWriter`` of TensorBoard, ``wandb`` or a run of it,
        ``mlflow`` or its client, a logger of Lightning, a function of an epoch, a sheet
        (H, W, 3) uint8 and numbers by name, or several of these in a list. None keeps the looks in
        `looks` alone.
    every
        After the first epoch, every so many epochs, and at the end.
    targets
        What is explained: one for all pictures or a list with one for each, as `explain` takes
        them; None is the class predicted at the time. The label of each picture is what makes
        epochs comparable.
    method, layer, options, labels, preprocess, white
        As for `xai_heatmap.explain`.
    scale
        ``picture``: one scale for each picture over all epochs, so that a picture's row says when
        its evidence grew. ``all``: one scale for all pictures too.
    of
        Function from what is trained to the network that is explained, such as
        ``lambda module: module.backbone``; None where they are the same.
    opening
        What `xai_heatmap.network` takes beside the model: ``{"held": ..., "image_shape": ...}``.

    Raises
    ------
    BadOption
        For no picture, another number of targets than of pictures, an `every` that is no whole
        number from 1 up, or a `to` that is none of these or an empty list.

    Examples
    --------
    >>> import tempfile, torch, numpy as np
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> photograph = np.zeros((32, 32, 3), np.uint8)
    >>> heatmaps = Heatmaps([photograph], preprocess="unit", opening={"image_shape": (3, 32, 32)})
    >>> for epoch in range(1, 4):
    ...     pass  # train
    ...     look = heatmaps.after(epoch, model)
    >>> [look.epoch for look in heatmaps.looks]
    [1, 2, 3]
    """

    def __init__(
        self,
        pictures: Sequence[Any],
        to: Any = None,
        *,
        every: int = 1,
        targets: Any = None,
        method: str | None = None,
        layer: str | int = "auto",
        options: Mapping[str, object] | None = None,
        labels: Sequence[str] | None = None,
        preprocess: Preparing = None,
        white: float | None = None,
        scale: str = "picture",
        of: Callable[[Any], Any] | None = None,
        opening: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(pictures, str | os.PathLike):
            raise BadOption(f"pictures is a list; received {pictures!r}. Write [{pictures!r}].")
        self.pictures = list(pictures)
        if not self.pictures:
            raise BadOption("Heatmaps takes at least one picture: Heatmaps(['cat.jpg'], 'looks').")
        several = isinstance(targets, list | tuple | np.ndarray)
        each = list(targets) if several else [targets] * len(self.pictures)
        if len(each) != len(self.pictures):
            raise BadOption(
                "targets is one for all, or one for each of "
                f"{counted(len(self.pictures), 'picture')}; received {len(each)}."
            )
        if not isinstance(every, Integral) or isinstance(every, bool) or every < 1:
            raise BadOption(f"every is a whole number of epochs, at least 1; received {every!r}.")
        if scale not in ("picture", "all"):
            raise BadOption(f"scale is 'picture' or 'all'; received {scale!r}.")
        if method is not None:
            find_method(method)
        self.targets: list[Choice] = [
            choice(int(one) if isinstance(one, np.integer) else one) for one in each
        ]
        self.logs: list[Log] = logged_to(to)
        self.every, self.scale, self.labels, self.white = every, scale, labels, white
        self.method, self.layer, self.options = method, layer, options
        self.preprocess, self.of, self.opening = preprocess, of, dict(opening or {})
        self.looks: list[Look] = []
        self._prepared: list[PreparedInput] = []
        self._warned = False
        self._started = time.perf_counter()

    def begin(self) -> None:
        """Start of the training, from which on its time is counted."""
        self._started = time.perf_counter()

    def due(self, epoch: int) -> bool:
        """Whether there is a look after so many epochs, counted from 1."""
        return epoch == 1 or epoch % self.every == 0

    def after(self, epoch: int, model: Any) -> Look | None:
        """Look after an epoch; None where none is due, or where it failed, with a warning.

        Parameters
        ----------
        epoch
            How many epochs are done, counted from 1.
        model
            What is trained.

        Raises
        ------
        BadOption
            For an epoch that is no whole number from 1 up.
        """
        _check_epoch(epoch)
        if not self.due(epoch):
            return None
        return self._look(epoch, model)

    def finish(self, epoch: int, model: Any) -> Look | None:
        """Last look, where there was none after that epoch; then the film of all looks, and what
        they cost, in one line on stderr.

        Parameters
        ----------
        epoch, model
            As for `after`; 0 of a training without an epoch.

        Raises
        ------
        BadOption
            As `after` does.
        """
        _check_epoch(epoch, least=0)
        last = None
        if not self.looks or self.looks[-1].epoch != epoch:
            last = self._look(epoch, model)
        if self.looks:
            with self._told():
                for log in self.logs:
                    log.film(self.film())
            sys.stderr.write(f"{self.cost()}\n")
        return last

    def film(self, *, most: int = 12) -> Image:
        """Sheet of all looks, uint8 (H, W, 3): a row for each picture, a column for each look, on
        the scale of all looks; of more than `most`, the first, the last, and some between.
        """
        if not self.looks:
            raise BadOption("There is no look yet: heatmaps.after(epoch, model) makes one.")
        return film(self.looks, scale=self.scale, most=most)

    def cost(self) -> str:
        """What all looks cost, in words."""
        spent = sum(look.seconds for look in self.looks)
        whole = max(time.perf_counter() - self._started, spent, 1e-9)
        return (
            f"heatmaps: {counted(len(self.pictures), 'picture')}, "
            f"{counted(len(self.looks), 'look')}, {spent:.1f} s "
            f"({spent / whole:.1%} of {whole:.0f} s)"
        )

    def keras(self) -> Any:
        """Callback for ``model.fit(..., callbacks=[heatmaps.keras()])``, on any backend."""
        from xai_heatmap.training.keras_callback import callback

        return callback(self)

    def lightning(self) -> Any:
        """Callback for ``Trainer(callbacks=[heatmaps.lightning()])``; of several processes the
        first looks.
        """
        from xai_heatmap.training.lightning_callback import callback

        return callback(self)

    def transformers(self) -> Any:
        """Callback for ``transformers.Trainer(..., callbacks=[heatmaps.transformers()])``; of
        several processes the first looks.
        """
        from xai_heatmap.training.transformers_callback import callback

        return callback(self)

    def _look(self, epoch: int, model: Any) -> Look | None:
        start = time.perf_counter()
        with self._told():
            found = self._explained(model)
            far = moves(self.looks[-1].explanations if self.looks else None, found)
            self.looks.append(Look(epoch, tuple(found), far))
            with self._told():
                self._logged()
            self.looks[-1] = Look(epoch, tuple(found), far, time.perf_counter() - start)
            return self.looks[-1]
        return None

    def _explained(self, model: Any) -> list[Explanation | None]:
        """An explanation of each picture: all at once, or one by one where that fails."""
        network = networks.network(self.of(model) if self.of else model, **self.opening)
        given = self._inputs(network)
        ask = self._ask(network, given[0])
        wanted = self.targets
        if len({one.x.shape for one in given}) == 1:
            with contextlib.suppress(Exception):  # one by one, it is found whose it was
                return list(ask(given, wanted))
        found = list[Explanation | None]()
        for number, (one, own) in enumerate(zip(given, wanted, strict=True), 1):
            try:
                found += ask([one], [own])
            except Exception as error:  # noqa: BLE001 - a model's own, of one picture
                self._warn(f"picture {number} was not explained: {error}")
                found.append(None)
        return found

    def _inputs(self, network: Network) -> list[PreparedInput]:
        """Every picture as the network takes it, prepared once."""
        if not self._prepared:
            kept = prepared_by(self.preprocess, network)
            self._prepared = [
                prepare(one, kept, network, white=self.white) for one in self.pictures
            ]
        return self._prepared

    def _ask(self, network: Network, first: PreparedInput) -> Ask:
        survey = network.survey(first.x.shape)
        name = self.method or usual_method(network, survey)
        method, options = with_options(name, self.options, network)
        select(survey, self.layer, auto=method.auto)
        return Ask(network, method, dict(options), self.layer, choice(None), self.labels)

    def _logged(self) -> None:
        look = self.looks[-1]
        if not self.logs:
            return
        sheet, told = page(self.looks, scale=self.scale), numbers(look)
        for log in self.logs:
            log.look(Told(look.epoch, sheet, told, look.explanations))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """A block in which what goes wrong is one warning: no heatmap is worth a training."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the training goes on
            self._warn(f"no heatmaps this time: {type(error).__name__}: {error}")

    def _warn(self, words: str) -> None:
        """One warning for a training; what comes after it is the same again."""
        if not self._warned:
            self._warned = True
            warnings.warn(f"{words} The training goes on.", UserWarning, stacklevel=4)


def _check_epoch(epoch: object, *, least: int = 1) -> None:
    if not isinstance(epoch, Integral) or isinstance(epoch, bool) or int(epoch) < least:
        raise BadOption(
            f"epoch is the number of epochs done, a whole number from {least} up; received "
            f"{epoch!r}. Write heatmaps.after(epoch, model)."
        )
