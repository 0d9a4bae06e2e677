"""Which tracks and health scores can matter to some playbooks: bringing the others up to date takes most of a backtest's time.

Looked for by their names in what the playbooks, their templates and their segments say. A name that stands there for another
reason keeps a track too many, which only costs time; where names are not written out, everything is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from perennia.core.documents import Document, PlaybookBody
from perennia.core.lateness import BEHIND, STUCK

# Names put together while a template runs, and events whose names are only begun (`Stage *`).
_CODE = re.compile(r"{[{%].*?[%}]}", re.DOTALL)
_ANY_STAGE = re.compile(r"\bstage\b(?!\.\w)")
_ANY_EVENT = re.compile(r'"event": ?"[^"]*\*"')


def surroundings_of(playbooks: Sequence[Document], others: Sequence[Document]) -> list[Document]:
    """Those of ``others`` that are no tracks and no health scores, and those tracks and scores that may matter."""
    standing = [each for each in others if each.kind in ("track", "health")]
    kept = [each for each in others if each.kind not in ("track", "health")]
    templates = [each.body for each in _templates(playbooks, others)]
    said = [*(each.body for each in (*playbooks, *kept) if each.kind in ("playbook", "segment", "survey")), *templates]
    code = [tag for text in templates for tag in _CODE.findall(text)]
    if any(map(_ANY_STAGE.search, code)) or any(map(_needs_all, said)):
        return list(others)
    found = True
    while found:
        found = [each for each in standing if any(_names(text, each) for text in said)]
        standing = [each for each in standing if each not in found]
        said = [each.body for each in found]
        kept += found
    return kept


def standings_of(playbooks: Sequence[Document], others: Sequence[Document]) -> frozenset[tuple[str, str]]:
    """Kind and id of each track and health score that may matter to the playbooks."""
    kept = surroundings_of(playbooks, others)
    return frozenset((each.kind, each.id) for each in kept if each.kind in ("track", "health"))


def _templates(playbooks: Sequence[Document], others: Sequence[Document]) -> Iterator[Document]:
    bodies = (msgspec.json.decode(each.body, type=PlaybookBody) for each in playbooks)
    named = {name for body in bodies for name in body.templates}
    return (each for each in others if each.kind == "template" and each.id in named)


def _needs_all(text: str) -> bool:
    return BEHIND in text or STUCK in text or _ANY_EVENT.search(text) is not None


def _names(text: str, standing: Document) -> bool:
    """``health`` alone means the only one there is."""
    word = "health" if standing.kind == "health" else re.escape(standing.id)
    return re.search(rf"(?<![\w-]){word}(?![\w-])", text) is not None
