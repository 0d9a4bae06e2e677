"""Partials: parts of templates in files of their own."""

from __future__ import annotations

import pytest

from perennia.catalog.workspace import Workspace
from perennia.core.documents import TemplateBody
from perennia.rendering import RenderedMessage, Surroundings, TemplateError, render_message
from perennia.rendering.reader import Reader
from tests.support.workspaces import USUAL, MakeWorkspace

HEAD = "---\nsubject: Hello\nlayout: none\n---\n"
BOOK = "playbook: p\ntopic: tips\nsteps: [{email: m}]\n"


@pytest.fixture
def of(make_workspace: MakeWorkspace) -> MakeWorkspace:
    """A workspace whose playbook sends the template ``m``."""

    def make(files: dict[str, str | bytes]) -> Workspace:
        return make_workspace({**USUAL, "playbooks/p.yaml": BOOK, **files})

    return make


def rendered(template: TemplateBody, locale: str = "en", **contact: str) -> RenderedMessage:
    about = Surroundings({}, unsubscribe_url="https://x.co/u", reader=Reader(locale))
    return render_message(template, {"contact": dict(contact)}, about)


def said(workspace: Workspace) -> list[str]:
    return [str(finding) for finding in workspace.findings]


FOOT = "Bye {{ contact.first_name }}, [leave]({{ unsubscribe_url }})\n"


def test_what_is_included_stands_in_the_message_with_the_messages_values(of: MakeWorkspace) -> None:
    body = f'{HEAD}Hi\n\n{{% include "partials/foot" %}}\n'
    workspace = of({"templates/m.md": body, "templates/partials/foot.md": FOOT})
    assert said(workspace) == []
    assert rendered(workspace.templates["m"], first_name="Ana").text == "Hi\n\nBye Ana, leave (https://x.co/u)\n"


def test_a_partial_is_that_of_the_files_language_and_may_include_others(of: MakeWorkspace) -> None:
    body = f'{HEAD}{{% include "partials/foot" %}}\n'
    files: dict[str, str | bytes] = {
        "templates/m.md": body,
        "templates/m.de.md": body,
        "templates/partials/foot.md": 'Bye.\n\n{% include "partials/legal/out" %}\n',
        "templates/partials/foot.de.md": 'Servus.\n\n{% include "partials/legal/out" %}\n',
        "templates/partials/legal/out.md": "[Out]({{ unsubscribe_url }})\n",
    }
    workspace = of(files)
    assert said(workspace) == []
    assert rendered(workspace.templates["m"]).text.startswith("Bye.")
    assert rendered(workspace.templates["m"], "de-AT").text == "Servus.\n\nOut (https://x.co/u)\n"


def test_a_changed_partial_makes_another_version_of_what_includes_it(of: MakeWorkspace) -> None:
    body = f'{HEAD}{{% include "partials/foot" %}}\n'
    first = of({"templates/m.md": body, "templates/partials/foot.md": FOOT}).templates["m"]
    second = of({"templates/m.md": body, "templates/partials/foot.md": f"{FOOT}Once more.\n"}).templates["m"]
    assert first != second


def test_layouts_include_and_a_way_out_in_a_partial_is_one(of: MakeWorkspace) -> None:
    files: dict[str, str | bytes] = {
        "templates/m.md": "---\nsubject: Hello\n---\nHi\n",
        "templates/layouts/default.md": '{{ content }}\n\n{% include "partials/foot" %}\n',
        "templates/partials/foot.md": "[Leave]({{ unsubscribe_url }})\n",
    }
    workspace = of(files)
    assert said(workspace) == []
    assert '<a href="https://x.co/u">Leave</a>' in str(rendered(workspace.templates["m"]).html)


def test_what_is_wrong_in_a_partial_is_said_of_its_own_line_once(of: MakeWorkspace) -> None:
    body = f'{HEAD}One\n\n{{% include "partials/foot" %}}\n\n{{{{ contact.x | nofilter }}}}\n'
    workspace = of(
        {"templates/m.md": body, "templates/n.md": body, "templates/partials/foot.md": "Two\n{{ 1 | shiny }}\n"}
    )
    assert said(workspace) == ['templates/partials/foot.md:2:8: error bad-template: there is no filter "shiny"']


def test_lines_after_an_include_are_those_of_the_file(of: MakeWorkspace) -> None:
    body = f'{HEAD}One\n\n{{% include "partials/foot" %}}\n\n{{{{ contact.x | nofilter }}}}\n'
    assert said(of({"templates/m.md": body, "templates/partials/foot.md": "a\n\nb\n\nc\n"})) == [
        'templates/m.md:9:16: error bad-template: there is no filter "nofilter"'
    ]
    missing = of({"templates/m.md": body.replace(" | nofilter", ""), "templates/partials/foot.md": f"a\n\n{FOOT}"})
    with pytest.raises(TemplateError, match=r"^partials/foot\.md:3: contact\.first_name is missing"):
        rendered(missing.templates["m"], x="y")
    with pytest.raises(TemplateError, match=r"^m\.md:9: contact\.x is missing"):
        rendered(missing.templates["m"], first_name="Ana")


def test_a_partial_closes_what_it_opens(of: MakeWorkspace) -> None:
    found = said(of({"templates/partials/half.md": "{% if contact %}\nyes\n"}))
    assert [line.partition(": error")[0] for line in found if "partials" in line] == ["templates/partials/half.md:1:1"]


@pytest.mark.parametrize(
    ("include", "problem"),
    [
        ("partials/foot.md", 'no partial "partials/foot.md"; there are: partials/foot'),
        ("foot", 'no partial "foot"; there are: partials/foot'),
        ("m", 'no partial "m"; there are: partials/foot'),
        ("layouts/default", 'no partial "layouts/default"; there are: partials/foot'),
        ("../../etc/passwd", 'no partial "../../etc/passwd"; there are: partials/foot'),
        ("partials/../m", 'no partial "partials/../m"; there are: partials/foot'),
        ("/etc/passwd", 'no partial "/etc/passwd"; there are: partials/foot'),
        ("partials/FOOT", 'no partial "partials/FOOT"; there are: partials/foot'),
    ],
)
def test_nothing_but_a_partial_of_the_workspace_can_be_included(of: MakeWorkspace, include: str, problem: str) -> None:
    body = f'{HEAD}Hi {{% include "{include}" %}}\n'
    workspace = of({"templates/m.md": body, "templates/partials/foot.md": FOOT})
    assert said(workspace) == [f"templates/m.md:5:4: error bad-include: {problem}"]


@pytest.mark.parametrize(
    "tag",
    [
        "{% include contact.first_name %}",
        '{% include ["partials/foot"] %}',
        '{% include "partials/" ~ contact.first_name %}',
        '{% include "partials/foot" ignore missing %}',
        '{% include "partials/foot" without context %}',
    ],
)
def test_an_include_says_its_name_and_nothing_else(of: MakeWorkspace, tag: str) -> None:
    (found,) = said(of({"templates/m.md": f"{HEAD}{tag}\n", "templates/partials/foot.md": FOOT}))
    assert found.startswith("templates/m.md:5:4: error bad-template: an include names a partial in quotes")


def test_what_includes_itself_is_a_finding_wherever_it_begins(of: MakeWorkspace) -> None:
    files: dict[str, str | bytes] = {
        "templates/m.md": f'{HEAD}{{% include "partials/a" %}}\n',
        "templates/partials/a.md": 'A {% include "partials/b" %}\n',
        "templates/partials/b.md": 'B {% include "partials/a" %}\n',
    }
    circle = "error bad-include: these include each other in a circle"
    assert said(of(files)) == [
        f"templates/partials/a.md:1:3: {circle}: partials/b.md -> partials/a.md -> partials/b.md; take one of them out",
        f"templates/partials/b.md:1:3: {circle}: partials/a.md -> partials/b.md -> partials/a.md; take one of them out",
    ]


def test_a_few_short_files_do_not_grow_without_end(of: MakeWorkspace) -> None:
    files: dict[str, str | bytes] = {
        f"templates/partials/p{number}.md": f'{{% include "partials/p{number + 1}" %}}\n' * 30 for number in range(9)
    }
    files |= {"templates/partials/p9.md": "x" * 100, "templates/m.md": f'{HEAD}{{% include "partials/p0" %}}\n'}
    assert any("longer than 200000 characters" in line for line in said(of(files)))


def test_a_comment_and_a_raw_block_include_nothing(of: MakeWorkspace) -> None:
    body = f'{HEAD}{{# {{% include "partials/none" %}} #}}{{% raw %}}{{% include "x" %}}{{% endraw %}}\n{FOOT}'
    workspace = of({"templates/m.md": body})
    assert said(workspace) == []
    assert '{% include "x" %}' in rendered(workspace.templates["m"], first_name="Ana").text
