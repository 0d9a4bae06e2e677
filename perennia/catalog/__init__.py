"""Files to definitions: loading with positions, checking, versions."""

from perennia.catalog.findings import Finding, Severity
from perennia.catalog.releasing import Release, WorkspaceRefused, draft_documents, rehearsal, release
from perennia.catalog.workspace import ScenarioFile, Workspace, load_workspace

__all__ = [
    "Finding",
    "Release",
    "ScenarioFile",
    "Severity",
    "Workspace",
    "WorkspaceRefused",
    "draft_documents",
    "load_workspace",
    "rehearsal",
    "release",
]
