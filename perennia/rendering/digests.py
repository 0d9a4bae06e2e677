"""Digests -> messages: each of the messages rendered by itself, then all of them put into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from perennia.core.definitions import BUILT_IN_DIGEST, Topic
from perennia.core.documents import TemplateBody
from perennia.core.json_values import Json, JsonObject
from perennia.rendering.messages import DIGEST_NAMES, RenderedMessage, Surroundings, render_message


def render_digest(
    template: TemplateBody,
    parts: Sequence[RenderedMessage],
    topic: Topic | None,
    context: JsonObject,
    surroundings: Surroundings,
) -> RenderedMessage:
    """The one message. ``parts``: its messages (`render_part`); ``context``: what all of them know. Raises `TemplateError`."""
    about: JsonObject = {"name": "", "description": None}
    if topic is not None:
        about = {"name": topic.name, "description": topic.description}
    messages: list[Json] = [_told(each) for each in parts]
    languages = {each.locale for each in parts}
    if template.name == BUILT_IN_DIGEST and len(languages) == 1:
        # It says nothing of its own: what stands around the messages is in their language.
        home = replace(surroundings.reader, home=languages.pop())
        surroundings = replace(surroundings, reader=home)
    known = {name: value for name, value in context.items() if name in DIGEST_NAMES}
    return render_message(template, {"account": None, **known, "topic": about, "messages": messages}, surroundings)


def _told(part: RenderedMessage) -> JsonObject:
    html = Markup(part.html or "")  # noqa: S704  # escaped when it was rendered
    return {"subject": part.subject, "preheader": part.preheader, "html": html, "text": part.text}
