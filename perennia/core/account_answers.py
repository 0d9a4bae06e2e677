"""An account's answers: to each survey the mean of its contacts' latest, of those who are its contacts now."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from perennia.core.decisions import ContactChanged
from perennia.core.definitions import Survey
from perennia.core.deliberation import Deliberation
from perennia.core.facts import Response


def plain(score: float) -> float:
    """Whole numbers without a fraction, as people read them."""
    return int(score) if score == int(score) else score


def mean_response(survey: Survey | None, of_contacts: Mapping[str, float], last: Response) -> Response:
    """``last``: the latest answer, whose instant, comment and other answers it has."""
    if not of_contacts:
        return msgspec.structs.replace(last, score=None, label=None, of_contacts={})
    mean = plain(round(sum(of_contacts.values()) / len(of_contacts), 6))
    label = None if survey is None else survey.label_of(mean)
    return msgspec.structs.replace(last, score=mean, label=label, of_contacts=dict(of_contacts))


def answers_brought(run: Deliberation, told: ContactChanged) -> None:
    """A contact that joins has answered before."""
    for name, score in told.answers.items():
        known = run.state.facts.answers.get(name)
        of_contacts = {**(known.of_contacts if known is not None else {}), told.ref: plain(score)}
        last = known or Response(None, told.at)
        _keep(run, name, mean_response(run.catalog.surveys.get(name), of_contacts, last))


def answers_taken_away(run: Deliberation, ref: str) -> None:
    """Who has left is none of the account's contacts any more."""
    for name, known in list(run.state.facts.answers.items()):
        if ref in known.of_contacts:
            others = {contact: score for contact, score in known.of_contacts.items() if contact != ref}
            survey = run.catalog.surveys.get(name)
            _keep(run, name, mean_response(survey, others, known) if others else None)


def _keep(run: Deliberation, name: str, response: Response | None) -> None:
    if response is None:
        del run.state.facts.answers[name]
    else:
        run.state.facts.answers[name] = response
    run.changed([f"answer:{name}"])
