"""What an installation is asked about answers that belong to nobody."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from perennia.installation import Installation, OrderAnswer
from perennia.store.survey_records import UnclaimedAnswer


async def unclaimed(at: Installation, limit: int, after: str | None) -> list[UnclaimedAnswer]:
    """The last first, behind the one whose cursor is ``after``."""
    answer = await at.ask("GET", "unclaimed-answers", limit=limit, after=after)
    return msgspec.json.decode(answer, type=list[UnclaimedAnswer])


async def give(at: Installation, answer: str, customer: str, by: str) -> OrderAnswer:
    """Says whose answer it is; the same again has no effect."""
    path = f"unclaimed-answers/{quote(answer, safe='')}/give"
    return msgspec.json.decode(await at.ask("POST", path, {"customer": customer, "by": by}), type=OrderAnswer)
