"""A simulated customer's page: the picture says what happened, and so does the text."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from perennia.picture.chart import plain, span_words
from perennia.picture.lettering import broken, width_of
from perennia.picture.page import page_of
from perennia.simulate.simulation import Simulation, simulate_scenario
from tests.support.lives import TOPICS, PlainText, documents
from tests.support.yaml_scenarios import scenario_of

SVG = "{http://www.w3.org/2000/svg}"
BOOK = """
playbook: first-steps
name: First steps
topic: tips
enter:
  on: [{event: Account Created}]
  where: traits.plan == "pro"
goal: {when: happened("Report Shared")}
exit: [{when: traits.status == "churned", reason: churned}]
steps:
  - {id: welcome, email: hello}
  - id: project
    wait_for: [{event: Project Created, then: [{id: next, email: next}]}]
    up_to: 2d
    else: [{id: help, email: help}]
  - id: size
    branch: [{if: traits.seats >= 20, then: [{id: call, task: "Call {{ contact.first_name }}"}]}]
    else: [{id: tips, email: tips}]
  - {id: rest, wait: 5d}
  - id: gift
    approve: A gift?
    within: 2d
    then: [{id: send, webhook: {url: "https://gifts.example.com"}}]
  - id: again
    repeat: {every: 1d, times: 2, steps: [{id: ping, notify: cs, text: Ping}]}
  - {id: last, exit: done-with}
---
track: adoption
scope: contact
stages: [{id: new}, {id: active, enter: 'happened("Project Created")'}]
"""
ANA = "{id: ana, timezone: Europe/Madrid, traits: {email: ana@example.com, first_name: Ana, plan: pro}}"


def simulated(when: str, until: str, customer: str = ANA) -> Simulation:
    text = f"""
scenario: a picture
playbook: first-steps
customer: {customer}
start: 2026-03-02T10:00:00+01:00
when:
{when}
until: {until}
expect: [{{never: {{enrolled: "-"}}}}]
"""
    return simulate_scenario(documents(f"{TOPICS}\n---\n{BOOK}"), scenario_of(text), "first-steps", PlainText())


def picture(page: str) -> ET.Element:
    start, end = page.index("<svg"), page.index("</svg>")
    return ET.fromstring(page[start : end + len("</svg>")])


def boxes(page: str) -> dict[str, list[str]]:
    """By step: how it is drawn, and what it says below its name."""
    found: dict[str, list[str]] = {}
    for group in picture(page).iter(f"{SVG}g"):
        kind = group.get("class", "")
        if kind.startswith("box "):
            head, *rest = [text.text or "" for text in group.iter(f"{SVG}text")]
            found[head.rpartition(" · ")[2]] = [kind.removeprefix("box "), *rest]
    return found


def ways(page: str) -> list[str]:
    taken = [text for text in picture(page).iter(f"{SVG}text") if text.get("class") == "way taken"]
    return ["".join(text.itertext()) for text in taken]


CREATED = "  - {at: 0d, event: Account Created}\n"


def test_the_path_is_drawn_with_what_became_of_each_step_in_the_customers_time() -> None:
    page = page_of(simulated(f"{CREATED}  - {{at: 1d, event: Project Created}}", "4d"))

    drawn = boxes(page)

    assert drawn["welcome"] == ["done", "hello", "the email was sent", "Mon 2 Mar 2026 10:00:00"]
    assert drawn["next"] == ["done", "next", "the email was sent", "Tue 3 Mar 2026 10:00:00"]
    assert drawn["help"] == ["unreached", "help"]
    assert drawn["rest"][:2] == ["here", "5 days"]
    assert " ".join(drawn["rest"][2:4]) == "is here, until Sun 8 Mar 2026 10:00:00 at most"
    assert drawn["gift"][0] == drawn["ping"][0] == drawn["end"][0] == "unreached"
    assert ways(page) == ["Project Created", "otherwise"]


def test_a_way_on_that_was_not_taken_stands_aside() -> None:
    drawn = list(boxes(page_of(simulated(CREATED, "30d"))))
    assert drawn.index("help") < drawn.index("next")


@pytest.mark.parametrize(
    ("what", "step", "said"),
    [
        ("{at: 3d, event: Report Shared}", "rest", ["goal", "5 days", "the goal was reached"]),
        ("{at: 3d, traits: {status: churned}}", "rest", ["late", "5 days", "left here: churned"]),
    ],
)
def test_whoever_leaves_before_the_end_leaves_at_a_step(what: str, step: str, said: list[str]) -> None:
    drawn = boxes(page_of(simulated(f"{CREATED}  - {what}", "30d")))
    assert drawn[step] == [*said, "Thu 5 Mar 2026 10:00:00"]
    assert drawn["gift"][0] == "unreached"


def test_rounds_are_counted_and_a_question_nobody_answers_is_a_no() -> None:
    page = page_of(simulated(CREATED, "30d"))
    drawn = boxes(page)
    assert drawn["ping"][-1] == "Thu 12 Mar 2026 10:00:00  (2 times)"
    assert (drawn["gift"][0], drawn["send"][0], drawn["last"][0]) == ("late", "unreached", "done")
    assert ways(page) == ["nothing in 2 days", "otherwise", "no"]


def test_what_did_not_leave_is_told_with_its_reason_code() -> None:
    page = page_of(simulated(f"{CREATED}  - {{at: 1d, unsubscribe: tips}}", "4d"))
    assert "<code>unsubscribed_topic</code> the person has unsubscribed from this topic" in page
    assert boxes(page)["help"][0] == "skipped"


def test_tasks_are_called_what_the_team_reads_and_stages_stand_by_track() -> None:
    customer = ANA.replace("plan: pro", "plan: pro, seats: 30")
    text = words(page_of(simulated(f"{CREATED}  - {{at: 1d, event: Project Created}}", "4d", customer)))
    assert "Tue 3 Mar 2026 10:00:00 task Call {{ contact.first_name }} open" in text
    assert "adoption active Tue 3 Mar 2026 10:00:00" in text


def test_whoever_does_not_enter_gets_no_picture_but_the_reason() -> None:
    page = page_of(simulated(CREATED, "4d", ANA.replace("pro", "free")))
    assert "<svg" not in page
    assert "to change that: traits.plan is free; it would have to be pro" in words(page)


def test_a_page_stands_alone_and_takes_what_customers_are_called_as_text() -> None:
    page = page_of(simulated(CREATED, "4d", ANA.replace("id: ana", 'id: "<script>alert(1)</script>"')))
    tags = Tags(page)
    assert not tags.names & {"script", "link", "img", "iframe", "a"}
    assert "url(" not in page
    assert "@import" not in page
    assert tags.levels == ["h1", "h2", "h2", "h2", "h2"]


# --- drawing --------------------------------------------------------------------------------------------------------


def test_long_text_is_broken_and_what_does_not_fit_is_left_out() -> None:
    lines = broken("onboarding/use-case-manufacturing and a few more words that nobody has room for", 12, 150, 2)
    assert len(lines) == 2
    assert lines[0] == "onboarding/use-"
    assert lines[1].endswith("…")
    assert all(width_of(line, 12) <= 150 for line in lines)


@pytest.mark.parametrize(
    ("span", "words_"), [("2d", "2 days"), ("1d12h", "1 day 12 hours"), ("P3D", "P3D"), ("1bd", "1 business day")]
)
def test_spans_are_read_aloud(span: str, words_: str) -> None:
    assert span_words(span) == words_


def test_a_long_address_is_cut_behind_its_marks() -> None:
    address = "POST https://gifts.example.com/orders"
    assert broken(address, 12, 150, 3) == ["POST", "https://gifts.", "example.com/orders"]


def test_what_a_template_puts_in_is_named() -> None:
    assert plain("Call {{ contact.first_name | default(contact.email) }} now") == "Call [first name] now"


# --- reading pages --------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.levels: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # HTMLParser's
        self.names.add(tag)
        if tag in ("h1", "h2", "h3"):
            self.levels.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def words(page: str) -> str:
    return " ".join(" ".join(Tags(page).texts).split())
