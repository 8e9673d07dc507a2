"""Audit of a network, from Python and from a job."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xai_heatmap import networks
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, InputError
from xai_heatmap.core.listed import listed
from xai_heatmap.core.network import Network
from xai_heatmap.core.tested import USUAL
from xai_heatmap.core.version import installed_version
from xai_heatmap.explaining.auditing.asked import asked_of
from xai_heatmap.explaining.auditing.picture import Auditor
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.explaining.request import ClassNames
from xai_heatmap.explaining.spoken import spoken
from xai_heatmap.jobs import request
from xai_heatmap.jobs.audit_job import Audit as Job
from xai_heatmap.jobs.events import BatchProgress
from xai_heatmap.runners.audit.document import document_of
from xai_heatmap.runners.audit.folder import (
    DOCUMENT,
    PAGE,
    AuditFolder,
    begin,
    evenly,
    found_in,
    write_json,
)
from xai_heatmap.runners.audit.page import page
from xai_heatmap.runners.audit.require import Requirement, figures, requirement
from xai_heatmap.runners.audit.work import Work
from xai_heatmap.runners.batch.asking import Objects, preparing
from xai_heatmap.runners.batch.beginning import answered, check_answers, settings_of
from xai_heatmap.runners.batch.folder import RunFolder, alone, check_same
from xai_heatmap.runners.batch.meter import Meter
from xai_heatmap.runners.batch.saying import network_asked
from xai_heatmap.runners.local import check, opened, surveyed
from xai_heatmap.sinks.store.parts import whole
from xai_heatmap.sources.labels import labels as labels_in
from xai_heatmap.sources.listing.listed import entries

Listen = Callable[[BatchProgress], object]
"""Callback for how far an audit is."""


@dataclass(frozen=True)
class Audit:
    """Audit of a network: its figures, what was found, and which map holds up.

    Parameters
    ----------
    document
        Everything, in plain values, as ``audit.json`` has it.
    folder
        Where page and figures lie.
    """

    document: Mapping[str, Any]
    folder: Path

    @property
    def findings(self) -> list[str]:
        """What the network's owner should look at, in sentences; empty where nothing was found."""
        return [one["text"] for one in self.document["findings"]]

    @property
    def recommended(self) -> str | None:
        """The map that holds up on this network, ``method@layer``; None where none does."""
        return self.document["recommended"]["name"]

    @property
    def figures(self) -> dict[str, float | None]:
        """Figures that may be required, by name; None for what could not be measured."""
        return figures(self.document)

    @property
    def page(self) -> Path:
        """The page, which opens from disk and needs nothing beside itself."""
        return self.folder / PAGE

    def missed(self, *wanted: str | Requirement) -> list[Requirement]:
        """Those of the requirements, such as ``tested>=0.9``, that are not met.

        Raises
        ------
        BadOption
            For what is no requirement.
        """
        asked = [requirement(one) if isinstance(one, str) else one for one in wanted]
        own = self.figures
        return [one for one in asked if not one.met(own)]

    def to_dict(self) -> dict[str, Any]:
        """Everything, in plain values."""
        return dict(self.document)

    def __str__(self) -> str:
        found = self.findings or ["No check found anything."]
        said = " ".join(self.document["recommended"]["because"])
        return "\n".join([*found, f"{self.recommended or 'No map'}: {said}"])


@spoken
def audit(
    model: Any,
    pictures: Any,
    *,
    out: str | os.PathLike[str] = "audit",
    methods: Sequence[str] | None = None,
    layers: Sequence[str] | str = "auto",
    preprocess: Preparing = None,
    labels: ClassNames = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
    passes: int = USUAL,
    most: int = 100,
    closer: int = 40,
    seed: int = 0,
    listen: Listen | None = None,
) -> Audit:
    """Check a network on its own pictures: predictions, preprocessing, layers, and which method at
    which layer holds up; the same call goes on where an audit was stopped.

    Parameters
    ----------
    model
        As for `xai_heatmap.network`; it stays as it is.
    pictures
        A folder with all folders in it, a pattern, a manifest, an archive; or a list of these.
    out
        Folder of ``audit.html``, ``audit.json`` and what is finished so far.
    methods
        Names; those of one forward and one backward pass where nobody says any.
    layers
        Names or globs; the last layers of the coarsest grids where nobody says any.
    preprocess, labels
        As for `explain`.
    options
        Of each method, by its name.
    passes
        Forward passes of the test of a picture's maps, at most: 32, 64 or 128.
    most
        Most pictures, taken evenly from all.
    closer
        How many of them are also prepared otherwise, disturbed place by place, and shown to
        networks with weights drawn again.
    seed
        Of all that is drawn.
    listen
        Is told how far the audit is.

    Returns
    -------
    The audit. Of a picture that can't be looked at it says why.

    Raises
    ------
    XaiHeatmapError
        For whatever goes wrong with every picture.
    """
    fields, objects = network_asked(model, preprocess=preprocess, labels=labels)
    where = ["auto"] if layers == "auto" else [layers] if isinstance(layers, str) else layers
    job = Job(
        source=_sources(pictures),
        method=tuple(listed(methods, name="methods")) if methods else (),
        layer=tuple(map(str, where)),
        out=Path(out), passes=passes, pictures=most, closer=closer, seed=seed,
        **fields,
    )  # fmt: skip
    check(job)
    network = networks.network(model) if job.model is None else opened(job)
    return run_job(job, network, objects=replace(objects, options=options), listen=listen)


def _sources(pictures: Any) -> tuple[str, ...]:
    """Words that name the pictures.

    Raises
    ------
    BadOption
        For pictures in memory.
    """
    each = [pictures] if isinstance(pictures, str | os.PathLike) else pictures
    if not isinstance(each, Sequence) or not all(isinstance(n, str | os.PathLike) for n in each):
        raise BadOption(
            f"An audit reads its pictures from files; received a {type(pictures).__name__}. Give a "
            "folder, a pattern, a manifest, an archive, or a list of these."
        )
    return tuple(os.fspath(one) for one in each)


def run_job(
    job: Job,
    network: Network,
    *,
    objects: Objects | None = None,
    listen: Listen | None = None,
) -> Audit:
    """Begin the audit of a job or go on with it.

    Raises
    ------
    XaiHeatmapError
        As `audit` does.
    """
    for text in job.require:
        requirement(text)
    said = objects or Objects()
    survey = surveyed(network, job)
    labels = said.labels or (labels_in(job.labels) if job.labels else None)
    options = said.options if said.options is not None else request.options(job, job.method)
    asked = asked_of(network, survey, job.method, job.layer, options)  # type: ignore[arg-type]
    how = said.preprocess if said.preprocess is not None else request.preparing(job)
    prepare = preparing(how, network, job)
    auditor = Auditor(network, asked, prepare, labels, job.passes, job.seed)
    with alone(job.out):
        folder = _begun(job, network, said, asked.names)
        return _worked(folder, auditor, job, listen or (lambda _: None))


def _begun(job: Job, network: Network, objects: Objects, names: Sequence[str]) -> AuditFolder:
    """The audit in the job's folder: the one that is there, if it was asked the same."""
    settings = settings_of(job, objects, remembered=True) | {"maps": list(names)}
    now = answered(network, job)
    there = found_in(job.out)
    if there is not None:
        run = RunFolder(there.path, there.facts)
        check_same(run, settings)
        check_answers(run, network, now)
        return there
    if not job.source:
        raise BadOption("Pictures are needed: name a folder, a pattern, a manifest or an archive.")
    every = list(entries(job.source))
    chosen = [every[place] for place in evenly(len(every), job.pictures)]
    more = {
        "xai_heatmap": installed_version(), "model": job.model, "network": network.name,
        "answers": now, "of": len(every),
    }  # fmt: skip
    return begin(job.out, chosen, evenly(len(chosen), job.closer), settings, more)


def _worked(folder: AuditFolder, auditor: Auditor, job: Job, listen: Listen) -> Audit:
    """All work that is left, then page and figures."""
    meter = Meter(str(folder.path), 0, len(folder.done()), 0, None, listen, "check")
    work = Work(folder, auditor, lambda entry: entry.given(), meter)
    meter.total = len(folder.entries) + len(work.planned())
    work.meter.tell()
    records = work.pictures()
    if all(one["error"] is not None for one in records):
        first = records[0]["error"]
        raise InputError(
            f"None of {counted(len(records), 'picture')} could be looked at; the first, "
            f"{records[0]['id']!r}: {first['message']}"
        )
    drawn = work.networks(records)
    found = document_of(folder.facts, auditor, records, drawn)
    write_json(folder.path / DOCUMENT, found)
    text = page(found)
    whole(folder.path / PAGE, lambda file: file.write(text.encode()))
    work.meter.tell(complete=True)
    return Audit(found, folder.path)
