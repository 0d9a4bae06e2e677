from __future__ import annotations

import pytest

from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.rendering import Reader, Surroundings, TemplateError, render_message
from perennia.rendering import render_text as render_for


def render_text(text: str, context: JsonObject) -> str:
    return render_for(text, context, Reader())


CONTEXT: JsonObject = {
    "contact": {"first_name": "Ana", "last_name": None},
    "traits": {"plan": "pro", "seats": 5, "share": 12.0, "tags": ["red", "blue"], "items": "a trait named items"},
    "account": None,
    "enter": {},
    "steps": {"first-project": {"outcome": "done"}},
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ contact.first_name }}", "Ana"),
        ('{{ contact.nickname | default("there") }}', "there"),
        ('{{ contact.last_name | default("there") }}', "there"),
        ('{{ account.owner.name | default("us") }}', "us"),
        ('{{ nobody | default("us") }}', "us"),
        ("{% if contact.last_name %}a{% else %}b{% endif %}", "b"),
        ("{% if contact.last_name == none %}a{% endif %}", "a"),
        ("{% if contact.zip is defined %}a{% else %}b{% endif %}", "b"),
        ("{% if contact.last_name is none %}a{% endif %}", "a"),
        ('{{ steps["first-project"].outcome }}', "done"),
        ("{{ traits.items }}", "a trait named items"),
        (
            "{{ traits['se' ~ 'ats'] }} {{ traits.tags[0] }} {{ traits.tags[-1] }} {{ traits.plan[:2] }}",
            "5 red blue pr",
        ),
        ("{{ traits.share }}", "12"),
        ("{{ traits.seats * 2 + 1 }}", "11"),
        ("{{ 2 ** 3 }} {{ 7 % 4 }}", "8 3"),
        ("{{ traits.seats >= 5 }}", "true"),
        ('{{ traits.tags | join(", ") }}', "red, blue"),
        ("{% for tag in traits.tags %}{{ loop.index }}.{{ tag }} {% endfor %}", "1.red 2.blue "),
        ('{{ contact.first_name ~ "-" ~ traits.seats }}', "Ana-5"),
        ("{{ contact.first_name.upper() }} {{ traits.plan | title }}", "ANA Pro"),
        ('{{ "a b".split(" ")[1] }}', "b"),
        ("{% for n in range(3) %}{{ n }}{% endfor %}", "012"),
        ("{% set n = 2 %}{{ n }}", "2"),
        ("no template at all\n", "no template at all\n"),
    ],
)
def test_what_templates_can_do(text: str, result: str) -> None:
    assert render_text(text, CONTEXT) == result


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{ contact.nickname }}", "contact.nickname"),
        ("{{ contact.last_name }}", "contact.last_name"),
        ("{{ account.owner.name }}", "account.owner.name"),
        ("{{ nobody }}", "nobody"),
        ("{% if contcat.first_name %}x{% endif %}", "contcat"),
        ("{% if nobody %}x{% endif %}", "nobody"),
        ("{% for tag in traits.colours %}x{% endfor %}", "traits.colours"),
        ("{{ contact.nickname | upper }}", "contact.nickname"),
        ('{{ "Hi " ~ contact.nickname }}', "contact.nickname"),
        ("{{ traits.score + 1 }}", "traits.score"),
        ("{{ contact.items }}", "contact.items"),
        ("{{ contact[traits.plan] }}", "contact[...]"),
        ('{{ steps["nowhere"].outcome }}', "steps.nowhere.outcome"),
    ],
)
def test_a_missing_name_is_an_error_that_names_it(text: str, name: str) -> None:
    with pytest.raises(TemplateError) as error:
        render_text(text, CONTEXT)
    assert error.value.name == name


def test_an_error_tells_the_line() -> None:
    with pytest.raises(TemplateError) as error:
        render_text("one\ntwo\n\nfour {{ contact.nickname }}\n", CONTEXT)
    assert error.value.line == 4


ESCAPES = [
    "{{ contact.__class__ }}",
    "{{ contact['__class__'] }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ contact.first_name.format }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '%s' % contact }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ contact.first_name.encode() }}",
    "{{ contact.first_name.join(traits.tags) }}",
    "{{ contact | attr('__class__') }}",
    "{{ traits.tags | map(attribute='__class__') | list | first }}",
    "{{ traits.tags | map('attr', '__class__') | list }}",
    "{{ contact.first_name | safe }}",
    "{{ traits | tojson }}",
    "{{ traits | pprint }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ _rendering }}",
    "{{ _rendering.values }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ namespace() }}",
    "{{ dict() }}",
    "{{ joiner() }}",
    "{{ range.__self__ }}",
    "{{ contact.update({'a': 1}) }}",
    "{{ traits.tags.append(1) }}",
    "{{ traits.tags.pop() }}",
    "{{ loop }}",
    "{% for a in [1] %}{{ loop._iterable }}{% endfor %}",
    "{% for a in [1] %}{{ loop.__init__ }}{% endfor %}",
    "{% for a in [1] %}{{ loop }}{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}",
    "{% block b %}{% endblock %}",
    "{% set x %}y{% endset %}",
    "{% filter upper %}x{% endfilter %}",
    "{% call x() %}{% endcall %}",
    "{{ traits }}",
    "{{ traits.tags }}",
    "{{ traits.tags | map('upper') }}",
    "{{ range(3) }}",
    "{{ contact.first_name.upper }}",
    "{{ caller() }}",
    "{{ [].append }}",
    "{{ (1).real() }}",
    "{{ survey() }}",
    # What lists of template injections (SSTI) try on Jinja.
    "{{ config }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__.__builtins__.__import__('os').popen('id').read() }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ [].__class__.__base__.__subclasses__()[40]('/etc/passwd').read() }}",
    "{{ ''.__class__.mro()[1].__subclasses__() }}",
    "{{ namespace.__init__.__globals__.os.popen('id').read() }}",
    "{{ ()['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ contact | attr(['_' ~ '_', 'class', '__'] | join) }}",
    "{{ contact[['__', 'class', '__'] | join] }}",
    "{{ '%c%c' | format(95, 95) }}",
    "{{ '{0.__class__.__init__.__globals__}'.format_map(contact) }}",
    "{{ contact.first_name.__format__('x') }}",
    "{{ contact.__getattribute__('x') }}",
    "{{ contact.get('first_name') }}",
    "{{ contact.first_name.translate(traits) }}",
    "{{ traits.tags.__len__() }}",
    "{{ [contact] | map(attribute='__class__') | join }}",
    "{{ [contact] | groupby('__class__') | list }}",
    "{{ [contact] | sum(attribute='__class__') }}",
    "{{ [contact] | sort(attribute='__class__.__name__') }}",
    "{{ [contact] | selectattr('__class__') | list }}",
    "{{ (contact | dictsort | first).__class__ }}",
    "{{ (contact | items | first).__class__ }}",
    "{{ ([contact] | groupby('first_name') | first).__class__ }}",
    "{{ ('a' | groupby(0) | first)._asdict() }}",
    "{{ (traits.tags | map('upper')).gi_frame.f_builtins }}",
    "{{ (traits.tags | select).gi_code }}",
    "{{ ('x' | money('EUR')).__class__ }}",
    "{% for a in [1] %}{{ loop.__class__.__mro__ }}{% endfor %}",
    "{% for a in [1] %}{{ loop.cycle.__func__.__globals__ }}{% endfor %}",
    "{% do contact.clear() %}",
    "{% debug %}",
    "{% set contact.first_name = 'x' %}",
    "{% include ['/etc/passwd', 'x'] %}",
    "{% include contact.first_name %}",
    "{% from 'x' import y %}",
    "{% autoescape false %}x{% endautoescape %}",
    "{% raw %}x{% endraw %}{{ x }}",
    "{{ cycler('a').next() }}",
    "{{ lipsum(n=1000) }}",
    "{{ dict(a=1) }}",
    "{{ g }}",
    "{{ caller }}",
    "{{ range.__call__.__self__ }}",
    "{{ True.__class__ }}",
    "{{ none.__class__ }}",
    "{{ contact.first_name.encode('utf-7') }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_but_values_can_be_reached(text: str) -> None:
    with pytest.raises(TemplateError) as error:
        render_text(text, CONTEXT)
    assert "object at" not in str(error.value)


_BIG = "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 15
BLOW_UPS = [
    "{{ 'a' * 10 ** 8 }}",
    "{{ 10 ** 8 * 'a' }}",
    "{{ [1] * 10 ** 8 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 2 ** 1000000 }}",
    "{{ 9 ** 30 * 9 ** 30 * 9 ** 30 }}",
    "{{ 'a' | center(100000000) }}",
    "{{ 'a'.ljust(100000000) }}",
    "{{ 'a' | indent(100000000) }}",
    "{{ '%0100000000d' | format(1) }}",
    "{{ 1.5 | round(100000000, 'ceil') }}",
    "{{ range(100000000) | list | length }}",
    "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) %}{{ 'x' }}{% endfor %}{% endfor %}",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a | length }}",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 40 + "{{ a | length }}",
    "{% set a = [1, 2] %}" + "{% set a = a + a %}" * 40 + "{{ a | length }}",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a | replace('a', 'aaaaaaaaaa') %}" * 20 + "{{ a | length }}",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a | replace('', a) %}" * 20 + "{{ a | length }}",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = [a, a] | join(a) %}" * 40 + "{{ a | length }}",
    "{% for a in range(1000) %}" + "x" * 1000 + "{% endfor %}",
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    # Much work, and nothing to show for it.
    _BIG + "{% for i in range(1000) %}{% set b = a | title | upper | wordcount %}{% endfor %}",
    _BIG + "{% for i in range(1000) %}{% set b = a.title().upper() %}{% endfor %}",
    _BIG + "{% set b = a ~ 'x' %}{% for i in range(1000) %}{% if b in a or a < b or a == b %}{% endif %}{% endfor %}",
    _BIG + "{% for i in range(1000) %}{% set b = a[1:] %}{% endfor %}",
    _BIG + "{% for i in range(1000) %}{% set b = a | urlencode %}{% endfor %}",
    _BIG + "{% for i in range(1000) %}{% set b = a is in(a ~ a) %}{% endfor %}",
    "{% for i in range(1000) %}" + "{% if traits.plan %}{% endif %}" * 1000 + "{% endfor %}",
    "{% for i in range(60) %}{% for j in range(60) %}" + "{% set x = traits.tags %}" * 200 + "{% endfor %}{% endfor %}",
    "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40
    + "{% if a == b %}x{% endif %}",
    "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a | sort | length }}",
    "{% set a = [1] %}" + "{% set a = [a] %}" * 2000 + "{{ a | sort | length }}{{ 1 / 0 }}",
    "{% set l = range(1000) | list %}{% for i in range(1000) %}{% set x = l | select('in', l) | list %}{% endfor %}",
    "{% set l = range(1000) | list %}{% for i in range(900) %}{% set x = [l, l, l] | sum(start=[]) %}{% endfor %}",
    "{% set a = '<>' %}" + "{% set a = a ~ a %}" * 15 + "{{ a | striptags }}",
    "{% for i in [1] %}" * 30 + "{% endfor %}" * 30,
    "{{ contact.first_name }}" * 5000,
    "x" * 300_000,
    "{{ " + "-" * 5000 + "1 }}",
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", BLOW_UPS, ids=lambda text: text[:40])
def test_nothing_grows_or_runs_without_bound(text: str) -> None:
    with pytest.raises(TemplateError):
        render_text(text, CONTEXT)


def test_an_error_holds_no_value() -> None:
    secret: JsonObject = {"contact": {"token": "hunter2"}}
    for text in (
        "{{ contact.token + 1 }}",
        "{{ contact.token | int(base=99) + contact.token }}",
        "{{ contact.token.hunter }}",
        "{{ contact[contact.token] }}",
        "{{ contact.token | sum }}",
        "{{ contact.token * 2 }}",
    ):
        with pytest.raises(TemplateError) as error:
            render_text(text, secret)
        assert "hunter2" not in f"{error.value} {error.value.name}"


def test_a_template_changes_nothing_for_the_next_one() -> None:
    context: JsonObject = {"traits": {"tags": ["b", "a"]}}
    render_text("{{ traits.tags | sort | join }}{% set traits = 1 %}", context)
    assert render_text("{{ traits.tags | join }}", context) == "ba"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ a | defualt('x') }}", 'did you mean "default"'),
        ("{% if a is defind %}{% endif %}", 'did you mean "defined"'),
        ("{{ survey() }}", "not supported yet"),
        ("{% macro m() %}{% endmacro %}", "templates have no macros"),
        ("{{ contact.first_name.uper() }}", 'did you mean "upper"'),
        ("{% if a %}", "endif"),
        ("{{ a b }}", "expected token"),
        ("{{ contact.nickname }}", 'contact.nickname | default("...")'),
        ("{{ traits.tags }}", "join its items"),
        ("{{ 1 / 0 }}", "divides by zero"),
    ],
)
def test_an_error_says_what_to_do(text: str, says: str) -> None:
    with pytest.raises(TemplateError) as error:
        render_text(text, CONTEXT)
    assert says in str(error.value)


def test_values_that_markdown_sets_aside_are_counted_as_what_they_are() -> None:
    text = f"---\nsubject: S\n---\n{_BIG}" + "{% for i in range(100) %}{{ a }}{% endfor %}"
    with pytest.raises(TemplateError, match="steps"):
        render_message(TemplateBody(name="t", files={"md": text}), CONTEXT, Surroundings({}))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("html", "{% for i in range(1000) %}" + "<div>" * 60 + "{% endfor %}"),
        ("md", "{% for i in range(1000) %}" + "[" * 101 + "{% endfor %}"),
        ("mjml", "<mj-section><mj-column><mj-text>{% for i in range(1000) %}<div>{% endfor %}</mj-text>"),
        ("mjml", "{% for i in range(1000) %}<mj-section><mj-column>{% endfor %}" * 3),
    ],
)
def test_what_would_take_the_process_with_it_is_refused_before(kind: str, text: str) -> None:
    template = TemplateBody(name="t", files={kind: f"---\nsubject: S\n---\n{text}"})
    with pytest.raises(TemplateError, match=r"not closed|characters of Markdown"):
        render_message(template, CONTEXT, Surroundings({}))


@pytest.mark.timeout(20)
def test_the_longest_hostile_markdown_ends() -> None:
    text = "---\nsubject: S\n---\n{% for i in range(99) %}" + "[" * 1000 + "{% endfor %}"
    message = render_message(TemplateBody(name="t", files={"md": text}), CONTEXT, Surroundings({}))
    assert message.text.startswith("[[[")
