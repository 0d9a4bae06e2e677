"""Templates -> messages, in a sandbox."""

from perennia.rendering.digests import render_digest
from perennia.rendering.errors import TemplateError
from perennia.rendering.messages import (
    Asking,
    RenderedMessage,
    Surroundings,
    built_in_confirmation,
    built_in_digest,
    built_in_survey,
    check_template,
    names_in,
    render_message,
    render_part,
    render_text,
    try_message,
    workspace_names,
)
from perennia.rendering.observations import Observation, observe
from perennia.rendering.reader import Reader, message_reader, reader_of, workspace_reader
from perennia.rendering.source import BODIES

__all__ = [
    "BODIES",
    "Asking",
    "Observation",
    "Reader",
    "RenderedMessage",
    "Surroundings",
    "TemplateError",
    "built_in_confirmation",
    "built_in_digest",
    "built_in_survey",
    "check_template",
    "message_reader",
    "names_in",
    "observe",
    "reader_of",
    "render_digest",
    "render_message",
    "render_part",
    "render_text",
    "try_message",
    "workspace_names",
    "workspace_reader",
]
