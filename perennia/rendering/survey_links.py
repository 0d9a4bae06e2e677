"""``{{ survey() }}``: one link for each score of the survey that a message asks (language, section 11).

It is put into the text of a template before that is compiled, as a loop over the links that the message has. Opening a link
records nothing: a person confirms on the page behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from perennia.core.json_values import Json
from perennia.core.message_parts import AskedSurvey
from perennia.rendering.markup import CHOICE

# The names that a message which asks has for it: its links, and its question.
LINKS, QUESTION = "survey", "question"
# A longer scale is asked by one link.
MOST_LINKS = 11

_CALL = re.compile(r"\{\{-?\s*survey\s*\(\s*\)\s*-?\}\}")
_EACH = "{% for answer_link in survey %}"
_FORMS = {
    "md": f'{_EACH}[{{{{ answer_link.label }}}}]({{{{ answer_link.url }}}} "{{{{ answer_link.spoken }}}}") {{% endfor %}}',
    "html": (
        f'<span role="group">{_EACH}<a class="choice" href="{{{{ answer_link.url }}}}" style="{CHOICE}" '
        'aria-label="{{ answer_link.spoken }}">{{ answer_link.label }}</a> {% endfor %}</span>'
    ),
    "txt": f"{_EACH}{{{{ answer_link.spoken }}}}: {{{{ answer_link.url }}}}\n{{% endfor %}}",
}


_FORMS["mjml"] = _FORMS["html"]


def with_links(body: str, kind: str) -> str:
    """The template's text with its survey's links in place of the call."""
    return _CALL.sub(lambda _: _FORMS[kind], body)


def answer_links(asked: AskedSurvey, url: str, words: Mapping[str, str]) -> list[Json]:
    """The links of one message, lowest score first. ``url``: of the page where the survey is answered."""
    if asked.whole or asked.highest - asked.lowest >= MOST_LINKS:
        return [{"label": words["answer"], "spoken": words["answer"], "url": url}]
    return [
        {
            "label": str(score),
            "spoken": words["score"].format(score=score, highest=asked.highest),
            "url": f"{url}?score={score}",
        }
        for score in range(asked.lowest, asked.highest + 1)
    ]
