"""Templates -> messages, in a sandbox."""

from perennia.rendering.errors import TemplateError
from perennia.rendering.messages import (
    RenderedMessage,
    Surroundings,
    check_template,
    names_in,
    render_message,
    render_text,
)

__all__ = [
    "RenderedMessage",
    "Surroundings",
    "TemplateError",
    "check_template",
    "names_in",
    "render_message",
    "render_text",
]
