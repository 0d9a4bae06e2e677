"""Files to definitions: loading with positions, checking, versions."""

from perennia.catalog.findings import Finding, Severity
from perennia.catalog.releasing import Release, WorkspaceRefused, rehearsal, release
from perennia.catalog.workspace import ScenarioFile, Workspace, load_workspace

__all__ = [
    "Finding",
    "Release",
    "ScenarioFile",
    "Severity",
    "Workspace",
    "WorkspaceRefused",
    "load_workspace",
    "rehearsal",
    "release",
]
