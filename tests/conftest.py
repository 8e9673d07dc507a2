"""Fixtures for all tests, and what makes them the same on any number of cores."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

for _threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_threads, "1")  # before a framework starts: workers share the cores
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read at its import; else names that are none wait

import hypothesis  # noqa: E402
import jaxtyping  # noqa: E402
import onnxruntime  # noqa: E402
import pytest  # noqa: E402

import dear  # noqa: E402
import typed  # noqa: E402

jaxtyping.jaxtyped = typed.jaxtyped  # what --jaxtyping-packages puts on every function


class _OneThread(onnxruntime.SessionOptions):
    """onnxruntime reads no environment: as long as it is not told, one thread for each core spins
    beside every session, which costs its tests three times what they compute.
    """

    def __init__(self) -> None:
        super().__init__()
        self.intra_op_num_threads = 1


onnxruntime.SessionOptions = _OneThread

pytest_plugins = ["budget"]

hypothesis.settings.register_profile(
    "any machine",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # the one that looks at a clock
)
hypothesis.settings.load_profile("any machine")

STARTS = re.compile(
    r"^(?:import|from) (?:keras|tensorflow|transformers|keras_kit)\b"
    r"|importorskip\(\"(?:keras|tensorflow|transformers)\"",
    re.MULTILINE,
)
"""What a test file says that starts a framework of seconds before its first test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast",
        action="store_true",
        help="what is quick and needs no reference folder, with PyTorch and ONNX alone",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.getoption("fast") or collection_path.suffix != ".py":
        return None
    return bool(STARTS.search(collection_path.read_text("utf-8"))) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("fast"):
        return
    left_to_test = dear.dear()
    left = [
        item
        for item in items
        if any(map(item.get_closest_marker, ("slow", "reference")))
        or "keras" in item.name
        or item.nodeid in left_to_test
    ]
    config.hook.pytest_deselected(items=left)
    dropped = set(left)
    items[:] = [item for item in items if item not in dropped]


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of trained networks and photographs; without it a test skips, and fails in CI."""
    folder = Path(
        os.environ.get("XAI_HEATMAP_REFERENCE") or ROOT.parent / "shared" / "reference"
    ).resolve()
    if not (folder / "images").is_dir():
        reason = (
            f"needs the reference photographs and networks in {folder}; "
            "XAI_HEATMAP_REFERENCE names another folder"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Callable[[str], AbstractContextManager[Path]]:
    """Folders by name that all workers of a run share, each held by one worker at a time: what the
    first one made, the next one finds.
    """
    from filelock import FileLock  # not where the oldest versions are tested

    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    @contextmanager
    def of(name: str) -> Iterator[Path]:
        folder = base / name
        folder.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            yield folder

    return of


@pytest.fixture
def unchecked():
    """As users call it: without the checks of shapes and types that tests may be run with."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture
def runs(monkeypatch) -> list[str]:
    """What ran of ONNX graphs from now on: a whole program, or a half of a pass."""
    from xai_heatmap.networks.onnx.session import Session

    found: list[str] = []
    arrays, call = Session.arrays, Session.__call__
    monkeypatch.setattr(Session, "arrays", lambda *a: (found.append("program"), arrays(*a))[1])
    monkeypatch.setattr(Session, "__call__", lambda *a: (found.append("half"), call(*a))[1])
    return found
