"""Numbers of things in words: one picture, two pictures."""

import re

ES = re.compile(r"(s|x|z|ch|sh)$")
IES = re.compile(r"(?<=[^aeiou])y$")


def counted(number: int, thing: str, things: str = "") -> str:
    """A number with what it counts, in the singular of one and in the plural of all others.

    Parameters
    ----------
    number
        How many.
    thing, things
        What is counted, with the words that go along with it; the plural is the thing's own, with
        an s or as English has it, where nothing else is said.

    >>> counted(1, "picture"), counted(2, "more class"), counted(0, "entry")
    ('1 picture', '2 more classes', '0 entries')
    >>> counted(1, "row was read", "rows were read")
    '1 row was read'
    """
    return f"{number} {noun(number, thing, things)}"


def noun(number: int, thing: str, things: str = "") -> str:
    """What is counted alone, where its number stands elsewhere: ``1 of 1 picture``.

    >>> noun(1, "class"), noun(3, "class")
    ('class', 'classes')
    """
    if number == 1:
        return thing
    if things:
        return things
    return (
        IES.sub("ies", thing) if IES.search(thing) else thing + ("es" if ES.search(thing) else "s")
    )
