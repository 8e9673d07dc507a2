"""Base of all jobs: plain values, each declared once, as a flag and as a setting.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

import json
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from xai_heatmap.jobs.flag import Said, flags_of


class Task(BaseModel):
    """Base of all jobs, with the kind of the job.

    Parameters
    ----------
    kind
        Which job it is; by it a job is read back from JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    hidden: ClassVar[frozenset[str]] = frozenset()
    """Fields that are settings and no flags."""

    @classmethod
    def flags(cls) -> list[Said]:
        """The flags of the command line, in the order of its help."""
        return flags_of(cls, cls.hidden)

    @classmethod
    def settings(cls) -> list[str]:
        """Names that a file of settings and variables may set."""
        return [name for name in cls.model_fields if name != "kind"]

    def to_toml(self) -> str:
        """The job as a file of settings, which gives the same job again."""
        facts = self.model_dump(mode="json", exclude_none=True, exclude={"kind"})
        return "".join(f"{name} = {_toml(value)}\n" for name, value in facts.items())


def _toml(value: object) -> str:
    """A flat value as TOML writes it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)
