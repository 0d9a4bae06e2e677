"""Consent that counts once it is confirmed: the message that asks for it, and what is noted of its end."""

from __future__ import annotations

from perennia.core.advance import Decision, advance, new_customer
from perennia.core.decisions import ConsentAsked, EffectEnded, Input, Outcome, TraitsChanged
from perennia.core.state import CustomerState, Recipient
from tests.support.lives import START, catalog_of

CATALOG = catalog_of(
    "playbook: p\nsteps: [{milestone: m}]\n", policies="  letters: {kind: opt_in, name: L, confirm: true}"
)
ASKED = ConsentAsked(at=START, seq=7, topic="letters")


def decided(state: CustomerState, *told: Input) -> Decision:
    return advance(CATALOG, state, START, told, {"c1": Recipient(address=None)})


def ana(email: str | None = "ana@example.com") -> CustomerState:
    told = TraitsChanged(at=START, seq=1, traits={"email": email})
    return decided(new_customer("c1", "contact", "ana", START), told).state


def test_who_asks_for_a_topic_is_sent_a_message_that_confirms_it() -> None:
    (effect,) = decided(ana(), ASKED).effects
    assert (effect.key, effect.at) == ("c1/consent:7/confirm/1", START)


def test_who_has_no_address_cannot_confirm() -> None:
    decision = decided(ana(None), ASKED)
    assert decision.effects == ()
    assert [(each.act, each.code, each.reason) for each in decision.journal] == [
        ("consent", "skipped", "missing_address")
    ]


def test_how_the_message_ended_is_noted() -> None:
    before = decided(ana(), ASKED)
    ended = EffectEnded(at=START, key="c1/consent:7/confirm/1", outcome=Outcome.FAILED, reason="provider_refused")
    (noted,) = decided(before.state, ended).journal
    assert (noted.act, noted.code, noted.step, noted.reason) == ("consent", "failed", "confirm", "provider_refused")
