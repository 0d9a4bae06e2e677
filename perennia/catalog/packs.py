"""Packs: folders of the shipped ``playbooks/``, each with what its messages need, which can be put into a workspace.

What people changed is never overwritten: a file that is no longer as a pack left it stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec
from pydantic import BaseModel

from perennia.catalog.pack_needs import Needs, needs_of
from perennia.catalog.workspace import Workspace, load_workspace
from perennia.catalog.yaml_source import read_documents
from perennia.core.definitions import NO_POLICIES, Playbook
from perennia.core.step_ids import place_steps
from perennia.rendering.messages import layout_names
from perennia.rendering.partials import partials_in

# What `packs add` wrote, by path: how a file that people changed is told from one that is merely old. Hidden: no definition.
RECORD = ".installed.json"
REFERRED = ("playbook", "track", "segment", "survey", "health")
_LACKS = re.compile(r'no (playbook|track|segment|survey|health) "([^"]+)"')
_LACKS_IN_POLICIES = re.compile(r'no (topic|sender) "([^"]+)"')


@dataclass(frozen=True)
class Pack:
    """``definitions``: ``playbook hello``. ``sources``: the files that they stand in; ``files``: all that belongs to it.

    ``description`` and ``advice`` stand in its README: what it is for, and what to change in it.
    """

    name: str
    title: str
    description: str
    advice: str
    definitions: tuple[str, ...]
    sources: tuple[str, ...]
    files: tuple[str, ...]
    needs: Needs


@dataclass
class Installed:
    """What became of a pack's files, by path."""

    packs: list[str] = field(default_factory=list[str])
    written: list[str] = field(default_factory=list[str])
    unchanged: list[str] = field(default_factory=list[str])
    kept: list[str] = field(default_factory=list[str])


def list_packs(shipped: Workspace) -> list[Pack]:
    """Every pack of the workspace that ships, by name."""
    folders = sorted(folder.name for folder in (shipped.folder / "playbooks").iterdir() if folder.is_dir())
    return [_pack(shipped, name) for name in folders]


def install(shipped: Path, target: Path, name: str, known: dict[str, Pack]) -> Installed:
    """Puts the pack into the workspace ``target``, and those packs that it refers to. Raises `KeyError` for none."""
    done = Installed()
    homes = {definition: pack.name for pack in known.values() for definition in pack.definitions}
    waiting = [name]
    while waiting:
        pack = known[waiting.pop(0)]
        done.packs.append(pack.name)
        _copy(shipped, target, pack, done)
        waiting += [other for other in _lacking(homes, target) if other not in (*done.packs, *waiting)]
    return done


def _pack(workspace: Workspace, name: str) -> Pack:
    root = f"playbooks/{name}/"
    files = [path for path in _files(workspace.folder / root) if not path.startswith(".")]
    own = [root + path for path in files]
    books = [book for id_, book in workspace.playbooks.items() if workspace.sources[id_].path in own]
    title, description, advice = _readme(workspace.folder / root / "README.md")
    return Pack(
        name=name,
        title=title,
        description=description,
        advice=advice,
        definitions=tuple(each for path in own for each in _defined(workspace.folder / path)),
        sources=tuple(own),
        files=(*own, *_templates(workspace, books)),
        needs=needs_of(workspace, own),
    )


def _readme(path: Path) -> tuple[str, str, str]:
    """The title and the first two paragraphs, each in one line."""
    title, description, advice = path.read_text(encoding="utf-8").strip().split("\n\n", 2)
    return title.removeprefix("# "), " ".join(description.split()), " ".join(advice.split())


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _defined(path: Path) -> list[str]:
    """``playbook hello``: by the first key of each document; scenarios define nothing that others refer to."""
    documents, _ = read_documents(path.name, path.read_text(encoding="utf-8")) if path.suffix == ".yaml" else ([], [])
    firsts = [(document.keys()[0], document) for document in documents if document.keys()]
    return [f"{kind} {document.value((kind,))}" for kind, document in firsts if kind in REFERRED]


def _templates(workspace: Workspace, books: list[Playbook]) -> Iterator[str]:
    """Files of the templates that the playbooks name, of the layouts that those name, and of what both include."""
    steps = [placed.step for book in books for placed in place_steps(book)]
    named = {
        text for step in steps for key in ("email", "template") if isinstance(text := getattr(step, key, None), str)
    }
    bodies = [workspace.templates[name] for name in named if name in workspace.templates]
    stems = {body.name for body in bodies} | {name for body in bodies for name in partials_in(body)}
    stems |= {f"layouts/{name}" for body in bodies if body.layout for name in layout_names(body)}
    for path in _files(workspace.folder / "templates"):
        if path.split(".")[0] in stems:
            yield f"templates/{path}"


def _copy(shipped: Path, target: Path, pack: Pack, done: Installed) -> None:
    record = target / "playbooks" / pack.name / RECORD
    before = cast("dict[str, str]", msgspec.json.decode(record.read_bytes())) if record.is_file() else {}
    after = dict(before)
    for path in pack.files:
        new = (shipped / path).read_bytes()
        old = (target / path).read_bytes() if (target / path).is_file() else None
        if old == new:
            done.unchanged.append(path)
        elif old is None or _digest(old) == before.get(path):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(new)
            done.written.append(path)
        else:
            done.kept.append(path)
            continue
        after[path] = _digest(new)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_bytes(msgspec.json.format(msgspec.json.encode(after, order="sorted"), indent=1) + b"\n")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def lacking_policies(shipped: Workspace, target: Workspace) -> dict[str, dict[str, str]]:
    """Senders and topics that the workspace's definitions name and its policies do not have, each as what ships writes it.

    By the key of the policies that it belongs under.
    """
    policies = shipped.policies or NO_POLICIES
    known: dict[str, Mapping[str, BaseModel]] = {"senders": policies.senders, "topics": policies.topics}
    lacked: dict[str, dict[str, str]] = {}
    for finding in target.errors:
        for word, name in _LACKS_IN_POLICIES.findall(finding.message):
            if name in known[f"{word}s"]:
                written = known[f"{word}s"][name].model_dump(exclude_none=True)
                lacked.setdefault(f"{word}s", {})[name] = msgspec.json.encode(written).decode()
    return lacked


def _lacking(homes: Mapping[str, str], target: Path) -> list[str]:
    """Packs that define what the workspace's definitions refer to and do not find. ``homes``: each definition's pack."""
    lacked = [match for finding in load_workspace(target).errors for match in _LACKS.findall(finding.message)]
    return list(dict.fromkeys(homes[f"{kind} {id_}"] for kind, id_ in lacked if f"{kind} {id_}" in homes))
