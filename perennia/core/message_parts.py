"""What a message that leaves may be made of beside its template: the survey that it asks, the messages that it gathers."""

from __future__ import annotations

import msgspec

from perennia.core.json_values import JsonObject


class AskedSurvey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The survey that a message asks: its question (Jinja text) and both ends of its scale.

    ``whole``: by one link to all of it, since its score is not the first thing asked, or is nobody's to know.
    """

    survey: str
    question: str
    lowest: int
    highest: int
    whole: bool = False


class DigestItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the messages that leave as one: what it would have been alone (`decisions.SendEmail`).

    ``key``: under which its recipient's clicks are told. ``context``: the names that the digest's own context lacks, or has
    otherwise.
    """

    key: str
    playbook: str
    version: str
    enrollment: str
    step: str
    template: str
    template_version: str
    context: JsonObject = {}
