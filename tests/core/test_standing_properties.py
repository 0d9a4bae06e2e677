"""Nobody is ever in two stages of a track, and every move is one that the track allows (language, section 7)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings

from perennia.core.compiled import Catalog
from perennia.core.decisions import Act, Input, JournalEntry
from perennia.core.nodes import CompiledTrack
from perennia.core.state import CustomerState
from tests.support.random_lives import catalogs, histories, live

DAYS = 6
HALF = settings(max_examples=settings().max_examples // 2)
# Two days may be an hour shorter, where clocks go forward or the customer's zone becomes another one.
SHORTEST = {None: timedelta(0), "3h": timedelta(hours=3), "2d": timedelta(hours=47)}


def moves(catalog: Catalog, inputs: tuple[Input, ...]) -> tuple[list[JournalEntry], CustomerState]:
    decisions, _ = live(catalog, inputs, DAYS)
    journal = [entry for decision in decisions for entry in decision.journal]
    return [entry for entry in journal if entry.act == Act.STAGE], decisions[-1].state


@HALF
@given(catalogs(shape="standing"), histories(days=5, most=12, least=6))
def test_every_stage_is_entered_from_the_one_before(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    entered, state = moves(catalog, inputs)
    stood: str | None = None
    for entry in entered:
        assert (entry.detail["track"], entry.detail["from"]) == ("t", stood)
        assert entry.code != stood
        stood = entry.code
    assert {track: stage.stage for track, stage in state.stages.items()} == {"t": stood}


@HALF
@given(catalogs(shape="standing"), histories(days=5, most=12, least=6))
def test_a_track_that_moves_forward_never_goes_back_by_itself(catalog: Catalog, inputs: tuple[Input, ...]) -> None:
    track = catalog.tracks["t"]
    if track.definition.move == "any":
        return
    for entry in moves(catalog, inputs)[0]:
        stood = entry.detail["from"]
        if isinstance(stood, str) and "by" not in entry.detail and not track.stages[track.positions[stood]].end:
            assert track.positions[entry.code] > track.positions[stood]


@HALF
@given(catalogs(shape="standing"), histories(days=5, most=12, least=6))
def test_nobody_moves_by_itself_inside_the_dwell_time_but_to_an_end(
    catalog: Catalog, inputs: tuple[Input, ...]
) -> None:
    track, since = catalog.tracks["t"], None
    for entry in moves(catalog, inputs)[0]:
        if since is not None and "by" not in entry.detail and not is_end(track, entry.code):
            assert entry.at - since >= SHORTEST[track.definition.min_dwell]
        since = entry.at


def is_end(track: CompiledTrack, stage: str) -> bool:
    return track.stages[track.positions[stage]].end
