"""One text with values put in: compiled once, rendered often, its errors told by file, line and name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType

from jinja2 import Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError

from perennia.rendering.errors import TemplateError
from perennia.rendering.grammar import Forbidden, parse, printed_names
from perennia.rendering.names import WrongValue
from perennia.rendering.reader import Reader
from perennia.rendering.sandbox import (
    MAX_OUTPUT_CHARS,
    Escaping,
    LimitExceeded,
    Rendering,
    Sandbox,
    start_rendering,
)

_SANDBOXES: dict[Escaping, Sandbox] = {kind: Sandbox(kind) for kind in ("none", "html", "values")}

_PATH = re.compile(r"[A-Za-z_][\w.-]*(\[(?:\d+|\.\.\.)\][\w.-]*)*")


class Text:
    """``template`` and ``first_line`` place errors: the text may begin below a front matter."""

    def __init__(self, source: str, *, escaping: Escaping, template: str, first_line: int) -> None:
        self._template = template
        self._first_line = first_line
        sandbox = _SANDBOXES[escaping]
        try:
            tree = parse(sandbox, source)
            names = list(tree.find_all(nodes.Name))
            own = {node.name for node in names if node.ctx != "load"}
            self.names: frozenset[str] = frozenset(node.name for node in names) - own
            self.printed: frozenset[str] = frozenset(printed_names(tree)) - own
            code = sandbox.compile(tree, template, template)
        except TemplateSyntaxError as error:
            raise self._error(error.lineno, None, error.message or "is no valid template") from None
        except Forbidden as error:
            raise self._error(error.line, None, str(error), error.word) from None
        except (RecursionError, SyntaxError, MemoryError):  # Python's own compiler, on what Jinja made
            raise self._error(1, None, "is nested too deeply") from None
        self._compiled = Template.from_code(sandbox, code, sandbox.globals)

    def render(
        self, names: Mapping[str, object], reader: Reader, mark: Callable[[int], str] = str
    ) -> tuple[str, Rendering]:
        """The text, and what the rendering set aside. Raises `TemplateError`, whose message holds no value."""
        rendering, context = start_rendering(names, reader, mark)
        parts: list[str] = []
        size = 0
        try:
            for part in self._compiled.generate(context):
                size += len(part)
                if size > MAX_OUTPUT_CHARS:
                    raise self._error(1, None, f"makes more than {MAX_OUTPUT_CHARS} characters")
                parts.append(part)
        except UndefinedError as error:
            raise self._missing(error, names) from None
        except RecursionError as error:
            raise self._error(self._line(error), None, "goes too deep") from None
        except LimitExceeded as error:
            raise self._error(self._line(error), None, f"wants {error}") from None
        except (
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            SecurityError,
            TemplateRuntimeError,
        ) as error:
            raise self._error(self._line(error), None, _without_values(error)) from None
        return "".join(parts), rendering

    def error(self, message: str) -> TemplateError:
        """About the whole text."""
        return self._error(1, None, message)

    def _missing(self, error: UndefinedError, names: Mapping[str, object]) -> TemplateError:
        name = error.message or ""
        if not _PATH.fullmatch(name):
            return self._error(self._line(error), None, name or "uses a value that is not there")
        known = ", ".join(sorted(key for key in names if not key.startswith("_")))
        first = re.split(r"[.\[]", name, maxsplit=1)[0]
        remedy = f'give it a default: {{{{ {name} | default("...") }}}}' if first in names else f"there are: {known}"
        return self._error(self._line(error), name, f"{name} is missing; {remedy}")

    def _error(self, line: int, name: str | None, message: str, word: str | None = None) -> TemplateError:
        return TemplateError(self._template, line + self._first_line - 1, name, message, word)

    def _line(self, error: BaseException) -> int:
        """The line of the text at which rendering stopped: Jinja writes it into the traceback."""
        line = 1
        traceback: TracebackType | None = error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self._template:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return line


@lru_cache(maxsize=512)
def compiled(source: str, escaping: Escaping, template: str, first_line: int = 1) -> Text:
    """Compiled once for all messages. Raises `TemplateError`."""
    return Text(source, escaping=escaping, template=template, first_line=first_line)


def _without_values(error: Exception) -> str:
    """What went wrong, in words that cannot hold a value: those of Python's errors quote what they choke on."""
    match error:
        case WrongValue():
            return str(error)
        case TypeError():
            return "uses a value of the wrong type"
        case ZeroDivisionError():
            return "divides by zero"
        case _:
            return f"cannot be rendered ({type(error).__name__})"
