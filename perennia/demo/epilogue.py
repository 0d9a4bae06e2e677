"""What the demo tells at the end: figures, three decisions explained, and where to look on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from perennia.cli.customer_commands import say_story, story_of
from perennia.cli.speech import say, say_json
from perennia.core.decisions import Act, JournalEntry, Outcome
from perennia.demo.company import Contact
from perennia.demo.life import Life
from perennia.installation import Installation, SaidNo
from perennia.store.records import Totals
from perennia.up.folder import Run
from perennia.why.story import Story
from perennia.why.wording import Line

LINES: Final = 9  # of a story: enough to see cause and effect

_Test = Callable[[JournalEntry], bool]
# Each example shows something else: help that worked, a message that was not sent, a stage that was reached.
_EXAMPLES: Final[tuple[_Test, ...]] = (
    lambda entry: entry.act is Act.GOAL,
    lambda entry: entry.act is Act.STEP_ENDED and entry.code == Outcome.SKIPPED,
    lambda entry: entry.act is Act.STAGE and bool(entry.detail.get("from")) and bool(entry.evidence),
)


class Example(msgspec.Struct, frozen=True):
    """``command`` shows the whole of it."""

    command: str
    story: Story


class Epilogue(msgspec.Struct, frozen=True):
    totals: Totals
    sent: int
    unsubscribed: int
    churned: int
    lost: tuple[str, ...]
    examples: tuple[Example, ...]
    run: Run


async def find_epilogue(installation: Installation, company: tuple[Contact, ...], run: Run, life: Life) -> Epilogue:
    """Looks through the decision logs for the three examples."""
    references = [*(contact.id for contact in company), *sorted({contact.account.id for contact in company})]
    found: dict[int, Example] = {}
    for reference in references:
        if len(found) == len(_EXAMPLES):
            break
        try:
            log = await installation.decisions(reference)
        except SaidNo:
            continue  # joined too late to have been made
        for number, fits in enumerate(_EXAMPLES):
            entry = next((entry for entry in log.decisions if fits(entry)), None)
            if number not in found and entry is not None:
                found[number] = await _example(installation, reference, entry)
    return Epilogue(
        totals=await installation.totals(),
        sent=life.sender.sent,
        unsubscribed=life.unsubscribed,
        churned=len(life.churned),
        lost=tuple(life.sender.failures),
        examples=tuple(found[number] for number in sorted(found)),
        run=run,
    )


async def _example(installation: Installation, reference: str, entry: JournalEntry) -> Example:
    subject = entry.playbook or str(entry.detail.get("track") or "") or None
    step = entry.step if entry.code == Outcome.SKIPPED else None
    story = await story_of(installation, reference, subject, step)
    words = ["perennia", "why", reference, *([subject] if subject else []), *([step] if step else [])]
    return Example(" ".join(words), msgspec.structs.replace(story, lines=_around(story.lines, entry)))


def _around(lines: tuple[Line, ...], entry: JournalEntry) -> tuple[Line, ...]:
    """What led to the entry, it, and what came of it; of its own enrollment only, where it has one."""
    own = [line for line in lines if entry.enrollment in (None, line.entry.enrollment)]
    position = next(number for number, line in enumerate(own) if line.entry == entry)
    last = min(len(own), position + 2)
    return tuple(own[max(0, last - LINES) : last])


def say_epilogue(epilogue: Epilogue, people: int, days: int, *, as_json: bool) -> None:
    if as_json:
        say_json(epilogue)
        return
    _say_figures(epilogue, people, days)
    for example in epilogue.examples:
        say()
        say(f"$ {example.command}", "bold")
        say_story(example.story)
    run = epilogue.run
    say()
    say("Look around", "bold")
    if run.inbox:
        say(f"  every message as it was rendered   {run.inbox}")
    if run.temporal_ui:
        say(f"  every customer's workflow          {run.temporal_ui}")
    say(f"  every decision                     perennia why CUSTOMER --data {run.data}")


def _say_figures(epilogue: Epilogue, people: int, days: int) -> None:
    totals = epilogue.totals
    say(f"{people} people lived through {days} days", "bold")
    say(f"  {totals.events} events accepted over the HTTP API, {len(epilogue.lost)} batches lost")
    say(f"  {totals.messages.get('sent', 0)} messages sent; not sent: {_counts(totals.skipped) or 'none'}")
    say(
        f"  {epilogue.unsubscribed} people unsubscribed with one click, {epilogue.churned} left, {totals.tasks_open} tasks open"
    )
    for playbook, outcomes in sorted(totals.enrollments.items()):
        say(f"  {playbook}: {_counts(outcomes)}")
    for track, stages in sorted(totals.stages.items()):
        say(f"  {track}: {_counts(stages)}")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1]))
