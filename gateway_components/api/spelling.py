"""Suggestions for misspelt names.

`nearest` guesses, for maps in which every unknown name is wrong. `Spellings` is for maps in which unknown names may be
right. It finds names one typing error away, and errs on the side of silence. Among LiteLLM's 679 general settings it
takes 11 microseconds a name and difflib 500, with more false matches.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches


def nearest(name: str, known: Mapping[str, object]) -> str | None:
    """Return the known name that `name` is most likely meant to be, or nothing where none is near."""
    folded = {_folded(candidate): candidate for candidate in known}
    matches = get_close_matches(_folded(name), folded, n=1)
    return folded[matches[0]] if matches else None


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


# Short names have too many neighbours that are names themselves: top_k, top_p, top_a.
_SHORTEST = 6
_SHORTEST_SWAP = 4
_LONGEST = 64


class Spellings:
    """The known `names` of a map, prepared for looking up misspelt ones quickly."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_shortened: dict[str, list[str]] = {}
        for name in names:
            for shortened in _shortened(name):
                self._by_shortened.setdefault(shortened, []).append(name)

    def meant_by(self, name: str) -> str | None:
        """Return the known name of which `name` is a misspelling; None where none is that near.

        A character left out, put in or mistaken, two swapped, hyphens for underscores, or all in capitals. Another
        digit, a plural and camelCase are no misspellings: providers have such names.
        """
        if len(name) > _LONGEST:
            return None
        written = name.replace("-", "_")
        written = written.lower() if written.isupper() else written
        near = {known for shortened in _shortened(written) for known in self._by_shortened.get(shortened, ())}
        return min((known for known in near if _is_slip(written, known)), default=None)


def meant_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known object name (in lower case) that `name` misspells by the rules of `Spellings`."""
    written = {one.replace("-", "_"): one for one in known}
    lowered = name.lower().replace("-", "_")
    return written.get(lowered if lowered in written else Spellings(written).meant_by(lowered) or "")


def _shortened(name: str) -> Iterator[str]:
    """Give a name, and it with each character left out: two names one slip apart share one of these."""
    yield name
    for position in range(len(name)):
        yield name[:position] + name[position + 1 :]


def _is_slip(written: str, known: str) -> bool:
    if written.lower() == known.lower():
        return written == known
    if sorted(written) == sorted(known):
        return len(known) >= _SHORTEST_SWAP and _is_swap(written, known)
    if min(len(written), len(known)) < _SHORTEST:
        return False
    if len(written) == len(known):
        wrong = [pair for pair in zip(written, known, strict=True) if pair[0] != pair[1]]
        return len(wrong) == 1 and not any(character.isdigit() for character in wrong[0])
    shorter, longer = sorted((written, known), key=len)
    extra = {longer[at] for at in range(len(longer)) if longer[:at] + longer[at + 1 :] == shorter}
    return bool(extra) and longer != f"{shorter}s" and not any(character.isdigit() for character in extra)


def _is_swap(written: str, known: str) -> bool:
    wrong = [at for at, character in enumerate(written) if character != known[at]]
    return len(wrong) == 2 and wrong[1] == wrong[0] + 1  # noqa: PLR2004 - a swap is of two
