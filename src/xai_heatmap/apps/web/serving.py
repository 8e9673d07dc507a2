"""Serving: a network on a page of this machine, until it is interrupted."""

import contextlib
import errno
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xai_heatmap import networks
from xai_heatmap.apps.web.ending import until_ended
from xai_heatmap.apps.web.token import token_of
from xai_heatmap.core.errors import BadOption, MissingFramework, OutputError
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.jobs.serve_job import PAGE_PIXELS
from xai_heatmap.networks.loading.demo.shipped import NAMES
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import Pictures

if TYPE_CHECKING:
    import uvicorn

PORT = 7860
TRIED = 20
"""Ports that are tried, from the first on, where one is busy."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

MESSAGE = 8 << 20
"""Bytes of a message of a WebSocket, at most."""

MISSING = (
    "The web app needs starlette, uvicorn and websockets, and {name} is not installed. Install the "
    'extra: pip install "xai-heatmap[web]".'
)

WARNING = (
    "warning: the page is open to the network at {host}. Whoever has its link can use the "
    "network and send it pictures; nothing is encrypted, and browsers give no camera to pages of "
    "other machines without HTTPS."
)


def check_extra() -> None:
    """Refuse to go on without the libraries of the extra.

    Raises
    ------
    MissingFramework
        That names the extra.
    """
    for name in ("starlette", "uvicorn", "websockets"):
        try:
            __import__(name)
        except ImportError as error:
            raise MissingFramework(MISSING.format(name=name)) from error


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens: at that port, or one of the next where it is busy; any for port 0.

    Raises
    ------
    OutputError
        If none can be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in [port] if port == 0 else range(port, min(port + TRIED, 65536)):
        made = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, number))
            made.listen(128)
        except OSError as error:
            made.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise OutputError(
                    f"The server can't listen at {host}: {error}. Leave --host out, or give an "
                    "address of this machine."
                ) from error
        else:
            made.set_inheritable(True)
            return made
    raise OutputError(
        f"Every port from {port} to {port + TRIED - 1} is busy. Say another with --port, or "
        "--port 0 for any that is free."
    )


@dataclass
class Server:
    """A server that is running.

    Parameters
    ----------
    url
        The link with its token; `home` without.
    """

    url: str
    home: str
    token: str
    _server: "uvicorn.Server"
    _thread: threading.Thread | None = None

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _repr_html_(self) -> str:
        return f'<a href="{self.url}" target="_blank">{self.home}</a>'


def serve(
    model: Any = None,
    *,
    preprocess: Preparing = None,
    labels: Sequence[str] | None = None,
    white: float | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    browser: bool = True,
    open_to_network: bool = False,
    hosts: Collection[str] = (),
    max_pixels: int = PAGE_PIXELS,
    camera: bool = False,
    device: str | int | None = None,
    wait: bool = True,
) -> Server | None:
    """Web app of a network: every layer, class and method of pictures, and a live camera.

    The first line on stdout is the link. It listens on this machine alone, and answers nobody who
    has not its token.

    Parameters
    ----------
    model
        Anything that `xai_heatmap.network` takes, or several by name; None for the networks that
        come with the package.
    preprocess, labels, white
        As for `xai_heatmap.explain`.
    host, port
        Where it listens; the next port where that one is busy, any that is free for 0.
    browser
        Whether the link is opened.
    open_to_network
        Whether it may listen at an address that others can reach.
    hosts
        Further names by which a proxy asks for it.
    max_pixels
        A picture with more is refused before it is decoded.
    camera
        Whether the page opens with its camera.
    device
        A camera of this machine by its number, a stream or a video, that the page shows instead.
    wait
        Whether the call lasts until the server is interrupted; False serves from a thread.

    Returns
    -------
    None in the end; with ``wait=False`` the `Server`: its `url`, and `stop`.

    Raises
    ------
    MissingFramework
        Without the extra ``web``.
    BadOption
        For a host that others can reach, unless `open_to_network` says so.
    """
    check_extra()
    given: Any = model if isinstance(model, dict) else {"": model} if model is not None else None
    opened = {name: networks.network(own) for name, own in (given or {n: n for n in NAMES}).items()}
    models = {
        name or one.name: Model(name or one.name, name or one.name, one, preprocess, white, labels)
        for name, one in opened.items()
    }
    return serve_models(
        models, host=host, port=port, browser=browser, open_to_network=open_to_network,
        hosts=hosts, max_pixels=max_pixels, wait=wait,
        view="#view=live" if camera or device is not None else "",
        device=None if device is None else str(device),
    )  # fmt: skip


def serve_models(
    models: dict[str, Model],
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    browser: bool = True,
    open_to_network: bool = False,
    hosts: Collection[str] = (),
    max_pixels: int = PAGE_PIXELS,
    wait: bool = True,
    view: str = "",
    device: str | None = None,
    told: Callable[[str], None] = print,
) -> Server | None:
    """As `serve`, of models that are opened; `view` is the part of the page that is opened, and
    `device` a camera, a stream or a video that it may show.
    """
    check_extra()
    from xai_heatmap.apps.web.app import Served, application
    from xai_heatmap.apps.web.samples import with_samples

    loopback = host in LOOPBACK or host.startswith("127.")
    if not loopback and not open_to_network:
        raise BadOption(
            f"At {host} everybody in the network could reach the page. Say so: "
            "--open-to-network (open_to_network=True in Python), or leave --host out."
        )
    for one in models.values():
        one.check()
    white = next((one.white for one in models.values() if one.white is not None), None)
    pictures = Pictures(pixels=max_pixels, white=white)
    served = Served(models, pictures, with_samples(pictures), device)
    listening = bound(host, port)
    number = listening.getsockname()[1]
    token = token_of(number if port else 0)
    app = application(served, token, hosts=[*hosts, host], anywhere=not loopback)
    if port and number != port:
        sys.stderr.write(f"port {port} is busy; using {number}\n")
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - said aloud
    home = f"http://{f'[{shown}]' if ':' in shown else shown}:{number}/"
    url = f"{home}?token={token}{view}"
    server = _uvicorn(app)
    if not loopback:
        sys.stderr.write(WARNING.format(host=host) + "\n")
    begun = threading.Event()

    def ready() -> None:
        told(url)
        sys.stdout.flush()
        begun.set()
        if browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(url)

    if wait:
        return _run(server, listening, ready, served.end)
    running = Server(url, home, token, server)
    thread = threading.Thread(target=_run, args=(server, listening, ready, served.end), daemon=True)
    running._thread = thread  # noqa: SLF001 - of this module
    thread.start()
    while not begun.wait(0.05) and thread.is_alive():
        pass
    return running


def _uvicorn(app: Any) -> "uvicorn.Server":
    import uvicorn

    config = uvicorn.Config(
        until_ended(app), lifespan="off", log_config=None, access_log=False, server_header=False,
        ws="websockets-sansio", ws_max_size=MESSAGE, ws_max_queue=4, ws_per_message_deflate=False,
        timeout_graceful_shutdown=2, timeout_keep_alive=30, h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip
    return uvicorn.Server(config)


def _run(
    server: "uvicorn.Server",
    listening: socket.socket,
    ready: Callable[[], None],
    ended: Callable[[], None],
) -> None:
    """Serve until it is told to end; `ready` runs as soon as connections are taken, `ended` when
    none is any more.
    """

    class Ready(type(server)):
        """The server, which says when it has begun."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            ready()

    server.__class__ = Ready
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    with contextlib.suppress(KeyboardInterrupt):
        ended()
