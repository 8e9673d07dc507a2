"""The network of a command, opened aside, with the line that names it."""

import time

from xai_heatmap.apps.cli.terminal import aside, print_lines
from xai_heatmap.apps.cli.text import model_line
from xai_heatmap.core.network import Network
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.runners.opening import opened


def network_of(job: PictureJob, *, silent: bool) -> Network:
    """The job's network; what its own code prints goes to stderr, and a line says what was loaded
    and how long that took, unless the command is to be silent.
    """
    start = time.perf_counter()
    with aside():
        network = opened(job)
    if not silent:
        print_lines(model_line(job, network, time.perf_counter() - start))
    return network
