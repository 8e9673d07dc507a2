"""A model made by the user's own Python: ``module.py:factory``."""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Never

from xai_heatmap.core.errors import ModelNotFound, NotAModel, did_you_mean
from xai_heatmap.networks.loading.folder import same_folder
from xai_heatmap.networks.loading.loaded import Loaded, first_line, missing

FRAMEWORKS = ("torch", "keras", "tensorflow", "jax", "torchvision", "timm", "transformers")

NO_ARGUMENTS = "--xai-heatmap-has-no-arguments-for-this-file"
"""Only argument on the command line while a factory runs."""


def load_factory(path: Path, name: str) -> Loaded:
    """Run the file under a private module name and call its function without arguments.

    Raises
    ------
    ModelNotFound
        Where the file or the function does not exist.
    NotAModel
        Where the file or the function raises.
    """
    if not path.is_file():
        raise ModelNotFound(
            f"There is no Python file {str(path)!r} to take {name!r} from. Check the path."
        )
    with _beside(path):
        module = _module(path)
        if not hasattr(module, name):
            made_here = [n for n, v in vars(module).items() if callable(v) and n[0] != "_"]
            raise ModelNotFound(
                f"{str(path)!r} defines no {name!r}.{did_you_mean(name, made_here)} "
                f"It defines: {', '.join(made_here) or 'no function'}."
            )
        factory = getattr(module, name)
        if not callable(factory):
            raise NotAModel(
                f"A factory is a function that answers a model; {name!r} in {str(path)!r} is a "
                f"{type(factory).__name__}. Write: def {name}(): return ..."
            )
        with _explained(path, f"{name}()"):
            return Loaded(factory())


def _module(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    private = f"_xai_heatmap_model_{digest}"
    loader = _AsItIsNow(private, str(path))
    specification = importlib.util.spec_from_file_location(private, path, loader=loader)
    if path.suffix != ".py" or specification is None or specification.loader is None:
        raise NotAModel(f"{str(path)!r} can't be imported as Python. Check that it is a .py file.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[private] = module  # dataclasses and pickling look their module up by name
    try:
        with _explained(path, "its import"):
            specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[private]
        raise
    return module


class _AsItIsNow(SourceFileLoader):
    """Loader that compiles the file as it is now: bytecode that Python keeps counts as fresh where
    the file's length and second of writing are the same, so that an edit could go unseen.
    """

    def path_stats(self, path: str) -> Never:
        raise OSError(f"No bytecode is kept of {path!r}.")


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Context in which a module runs as by ``python module.py``: files beside the module can be
    imported, and our own command line is hidden. Path, arguments and folder are put back after.

    A module that reads a command line is not given an empty one, by which it would go on with
    defaults that nobody chose, but one that its parser refuses.
    """
    before, words = list(sys.path), list(sys.argv)
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv[:] = [str(path), NO_ARGUMENTS]
    try:
        with same_folder():
            yield
    finally:
        sys.path[:], sys.argv[:] = before, words


@contextmanager
def _explained(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        if error.name in FRAMEWORKS:
            raise missing(
                error.name, f"pip install {error.name}", purpose=f"{str(path)!r}"
            ) from error
        raise NotAModel(_failure(path, what, error)) from error
    except BaseException as error:  # sys.exit() is no Exception
        raise NotAModel(_failure(path, what, error)) from error


def _failure(path: Path, what: str, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename).resolve() == path.resolve()]
    where = f", line {lines[-1]}" if lines else ""
    if isinstance(error, SystemExit):
        return (
            f"A model was to come from {str(path)!r}, but {what} ends the program{where} "
            f"({first_line(error)}). Put what reads a command line or calls sys.exit() under "
            'if __name__ == "__main__": and let the factory answer the model.'
        )
    return (
        f"A model was to come from {str(path)!r}, but {what} failed{where}: {first_line(error)}. "
        "Mend it there; a factory takes no arguments and answers a torch.nn.Module or a "
        "keras.Model."
    )
