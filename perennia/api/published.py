"""What is published right now, for questions of the API and for texts of the pages."""

from __future__ import annotations

from collections.abc import Mapping

from perennia.api.problems import Problem
from perennia.api.publishing import nearest
from perennia.core.audiences import Asked, UnknownSegment, compile_audience, segments_in
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.definitions import NO_POLICIES, Policies, Segment
from perennia.core.expressions import Expression
from perennia.core.nodes import CompiledTrack
from perennia.core.survey_definitions import Survey
from perennia.store.port import Store


def unknown_segment(error: UnknownSegment) -> Problem:
    return Problem(404, "Unknown segment", f"No segment {error.name!r} is published{nearest(error.name, error.known)}")


class Published:
    """The current catalog, compiled once a revision."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Catalog | None = None

    async def catalog(self) -> Catalog | None:
        """None before anything was published."""
        revision = await self._store.current_revision()
        if revision is None:
            return None
        if self._known is None or self._known.revision != revision.id:
            stored = await self._store.catalog(revision.id)
            self._known = compile_catalog(revision.id, stored.current)
        return self._known

    async def segments(self) -> Mapping[str, Segment]:
        revision = await self._store.current_revision()
        return {} if revision is None else segments_in((await self._store.catalog(revision.id)).current)

    async def must_have_segment(self, name: str) -> Expression:
        """Whether somebody is in the segment. Raises a 404 `Problem` that names the nearest published one."""
        try:
            (inside,) = compile_audience(Asked(segments=(name,)), await self.segments()).include
        except UnknownSegment as error:
            raise unknown_segment(error) from None
        return inside

    async def templates(self) -> dict[str, str]:
        """The version of each published template."""
        revision = await self._store.current_revision()
        current = () if revision is None else (await self._store.catalog(revision.id)).current
        return {each.id: each.version for each in current if each.kind == "template"}

    async def surveys(self) -> Mapping[str, Survey]:
        catalog = await self.catalog()
        return {} if catalog is None else catalog.surveys

    async def policies(self) -> Policies:
        catalog = await self.catalog()
        return NO_POLICIES if catalog is None else catalog.policies

    async def must_have_playbook(self, playbook: str) -> None:
        """Raises a 404 `Problem` that names the nearest published one."""
        catalog = await self.catalog()
        known = () if catalog is None else catalog.playbooks
        if playbook not in known:
            raise Problem(404, "Unknown playbook", f"No playbook {playbook!r} is published{nearest(playbook, known)}")

    async def must_have_topic(self, topic: str) -> None:
        """Raises a 404 `Problem` that names the nearest one of the published policies."""
        topics = (await self.policies()).topics
        if topic not in topics:
            raise Problem(404, "Unknown topic", f"The policies have no topic {topic!r}{nearest(topic, topics)}")

    async def must_have_survey(self, survey: str) -> Survey:
        """Raises a 404 `Problem` that names the nearest published one."""
        catalog = await self.catalog()
        if catalog is None or survey not in catalog.surveys:
            known = () if catalog is None else catalog.surveys
            raise Problem(404, "Unknown survey", f"No survey {survey!r} is published{nearest(survey, known)}")
        return catalog.surveys[survey]

    async def must_have_track(self, track: str) -> CompiledTrack:
        """Raises a 404 `Problem` that names the nearest published one."""
        catalog = await self.catalog()
        if catalog is None or track not in catalog.tracks:
            known = () if catalog is None else catalog.tracks
            raise Problem(404, "Unknown track", f"No track {track!r} is published{nearest(track, known)}")
        return catalog.tracks[track]

    async def must_have_stage(self, track: str, stage: str) -> None:
        """Raises a 404 `Problem` that names the nearest published one."""
        stages = [one.id for one in (await self.must_have_track(track)).stages]
        if stage not in stages:
            raise Problem(404, "Unknown stage", f"Track {track!r} has no stage {stage!r}{nearest(stage, stages)}")
