"""Papers by their keys, out of the bibliographies beside methods and metrics."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

NONE = "none; defined here"
"""Words in place of a paper where none is cited."""

BIBLIOGRAPHIES = ("xai_heatmap.methods", "xai_heatmap.metrics")


@dataclass(frozen=True)
class Citation:
    """A paper, as short as it can be found again.

    Parameters
    ----------
    key
        In references.bib.
    authors
        Family names: one, two, or the first "et al.".
    year, title
        As published.
    link
        ``https://arxiv.org/abs/…``, ``https://doi.org/…`` or where software lies; else empty.
    """

    key: str
    authors: str
    year: int
    title: str
    link: str

    @property
    def who(self) -> str:
        """Authors and year."""
        return f"{self.authors} {self.year}"

    @property
    def short(self) -> str:
        """Authors, year and link."""
        return " ".join(filter(None, (self.who, self.link)))

    def __str__(self) -> str:
        return " ".join(filter(None, (f"{self.authors} {self.year}. {self.title}.", self.link)))


@cache
def citations() -> dict[str, Citation]:
    """Every paper of the bibliographies by its key."""
    texts = (files(package).joinpath("references.bib") for package in BIBLIOGRAPHIES)
    return parsed("\n".join(text.read_text("utf-8") for text in texts))


def cited(cite: str) -> Citation | None:
    """The paper that a key or a whole BibTeX entry names; None where nothing is named.

    >>> cited("@article{k1, author = {Doe, A.}, title = {T}, year = {2020}}").who
    'Doe 2020'
    """
    if not cite:
        return None
    if cite.lstrip().startswith("@"):
        return next(iter(parsed(cite.lstrip()).values()))
    return citations()[cite]


def _shown(cite: str) -> Citation | str | None:
    """The paper; as it stands what is neither a key nor an entry, as in another package."""
    try:
        return cited(cite)
    except (KeyError, ValueError, StopIteration):
        return " ".join(cite.split())


def who(cite: str) -> str:
    """Authors and year of a publication, in a few words."""
    paper = _shown(cite)
    return NONE if paper is None else paper.who if isinstance(paper, Citation) else paper


def reference(cite: str) -> str:
    """The paper in full, on one line."""
    paper = _shown(cite)
    return NONE if paper is None else str(paper)


def facts_of_paper(cite: str) -> dict[str, object] | None:
    """The paper as JSON has it."""
    paper = _shown(cite)
    return (
        {"key": paper} if isinstance(paper, str) else None if paper is None else dict(vars(paper))
    )


def parsed(bibliography: str) -> dict[str, Citation]:
    """The entries of BibTeX whose values stand in braces or quotes on lines of their own.

    >>> entry = "@article{k1, author = {Doe, A. and Roe, B.}, title = {T}, year = {2020}}"
    >>> parsed(entry)["k1"].authors
    'Doe and Roe'
    """
    entries = re.split(r"^@\w+\{", bibliography, flags=re.MULTILINE)[1:]
    found = [_entry(entry) for entry in entries]
    return {citation.key: citation for citation in found}


def _entry(entry: str) -> Citation:
    key, _, body = entry.partition(",")
    fields = {
        name.lower(): value.strip().replace("{", "").replace("}", "")
        for name, value in re.findall(
            r'(\w+)\s*=\s*[{"](.+?)[}"]\s*(?=,\s*\w+\s*=|,?\s*\}?\s*$)', body, re.DOTALL
        )
    }
    eprint, doi = fields.get("eprint"), fields.get("doi")
    other = f"https://doi.org/{doi}" if doi else fields.get("url", "")
    link = f"https://arxiv.org/abs/{eprint}" if eprint else other
    return Citation(
        key.strip(), _short(fields["author"]), int(fields["year"]), fields["title"], link
    )


def _short(authors: str) -> str:
    families = [author.partition(",")[0].strip() for author in authors.split(" and ")]
    if len(families) > 2:
        return f"{families[0]} et al."
    return " and ".join(families)
