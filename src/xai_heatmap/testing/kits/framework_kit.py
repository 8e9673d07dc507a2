"""Cases of models whose parts have the same names in every framework."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from xai_heatmap.testing.conformance.kit import Case


class FrameworkKit(ABC):
    """The part of a kit that is written alike in PyTorch and in Keras.

    A framework's kit names the module with its models, three functions of its tensors, and adds the
    models that each framework builds in its own way.
    """

    models: ClassVar[ModuleType]
    relu: ClassVar[Callable[[Any], Any]]
    mean: ClassVar[Callable[[Any], Any]]
    """Mean over the grid."""

    @staticmethod
    @abstractmethod
    def ready(model: Any) -> Any:
        """The model, built and inferring."""

    @staticmethod
    @abstractmethod
    def case(model: Any, layer: str, trunk: Any, head: Any) -> Case:
        """A case of a model, with its sides as functions of arrays."""

    def of_plain(self, model: Any) -> Case:
        """A case of a model made of a convolution `conv` and what follows it, `tail`."""
        return self.case(model, "conv", model.conv, model.tail)

    def plain(self) -> Case:
        return self.of_plain(self.models.Plain())

    def residual(self) -> Case:
        model = self.models.Residual()
        return self.case(model, "branch", lambda x: model.branch(model.stem(x)), None)

    def last(self) -> Case:
        model = self.models.Last()
        return self.case(model, "conv", model.conv, self.mean)

    def twice(self) -> tuple[Case, Case]:
        model = self.models.Twice()
        first = self.case(
            model,
            "same#1",
            lambda x: model.same(model.stem(x)),
            lambda a: model.tail(model.same(self.relu(a))),
        )
        second = self.case(
            model,
            "same#2",
            lambda x: model.same(self.relu(model.same(model.stem(x)))),
            model.tail,
        )
        return first, second

    def never(self) -> tuple[Any, str]:
        return self.ready(self.models.Never()), "unused"

    def tuple_layer(self) -> Case:
        model = self.models.TupleLayer()
        return self.case(model, "pair", model.pair.conv, model.tail)

    def tuple_output(self) -> Case:
        return self.of_plain(self.models.TupleOutput())

    def dict_output(self) -> Case:
        return self.of_plain(self.models.DictOutput())

    def functional_softmax(self) -> Case:
        return self.of_plain(self.models.FunctionalSoftmax())

    def tokens(self) -> Case:
        model = self.models.Tokens()
        return self.case(model, "block", model.trunk, model.tail)

    def drawing(self) -> Any:
        return self.ready(self.models.Drawing())

    def mixing(self) -> Any:
        return self.ready(self.models.Mixing())
