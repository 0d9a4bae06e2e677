"""What rendering a message costs, in CPU time, beside plain Jinja on the same text: `.venv/bin/python bench/rendering.py`."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from zoneinfo import ZoneInfo

import jinja2

from perennia.catalog import load_workspace
from perennia.core.documents import TemplateBody
from perennia.core.json_values import JsonObject
from perennia.rendering import Reader, Surroundings, render_message
from perennia.rendering.messages import try_message
from perennia.shipped import shipped_workspace

ROUNDS = 300
CONTEXT: JsonObject = {"contact": {"first_name": "Ana"}, "traits": {"mrr": 1234.5, "renewal": "2026-10-31"}}
SURROUNDINGS = Surroundings(
    {"url": "https://app.example.com", "name": "Example", "address": "1 Example Street"},
    reader=Reader("de-AT", ZoneInfo("Europe/Vienna"), datetime(2026, 5, 5, tzinfo=UTC), home="de"),
    unsubscribe_url="https://app.example.com/u/x",
    preferences_url="https://app.example.com/p/x",
)
FORMATS = """{{ traits.mrr | money("EUR") }} {{ traits.renewal | date("full") }} {{ traits.renewal | relative }}"""
HEAD = "---\nsubject: Hello {{ contact.first_name }}\npreheader: P\n---\n"
SECTION = (
    "<mj-section><mj-column><mj-text>Hello {{ contact.first_name }}</mj-text>"
    '<mj-button href="{{ workspace.url }}">Go</mj-button></mj-column></mj-section>\n'
)


def milliseconds_each(act: Callable[[], object]) -> float:
    act()  # compiled once for all messages
    return min(timeit.repeat(act, number=ROUNDS, repeat=5, timer=process_time)) / ROUNDS * 1000


def plain(text: str) -> Callable[[], str]:
    template = jinja2.Environment(autoescape=True).from_string(text)
    names = {**CONTEXT, "workspace": SURROUNDINGS.workspace, "owner": None}
    return lambda: template.render(names)


def message(kind: str, text: str) -> TemplateBody:
    return TemplateBody(name="t", files={kind: text})


def main() -> None:
    welcome = load_workspace(shipped_workspace()).templates["onboarding/welcome"]
    source = welcome.files["md"]
    measured = {
        "plain Jinja, text of onboarding/welcome": plain(source),
        "onboarding/welcome (md): its texts alone": lambda: try_message(welcome, CONTEXT, SURROUNDINGS),
        "onboarding/welcome (md)": lambda: render_message(welcome, CONTEXT, SURROUNDINGS),
        "with money, a date and a relative span": lambda: render_message(
            message("md", f"{source}\n{FORMATS}\n"), CONTEXT, SURROUNDINGS
        ),
        "three sections (mjml)": lambda: render_message(message("mjml", HEAD + SECTION * 3), CONTEXT, SURROUNDINGS),
        "text alone (txt)": lambda: render_message(message("txt", f"{HEAD}Hello\n"), CONTEXT, SURROUNDINGS),
    }
    costs = {name: milliseconds_each(act) for name, act in measured.items()}
    base = next(iter(costs.values()))
    for name, cost in costs.items():
        print(f"{cost:8.3f} ms  {cost / base:6.1f} x  {name}")


if __name__ == "__main__":
    main()
