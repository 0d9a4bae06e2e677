"""The compose file: sound, without secrets of its own, and stopping with a clear word where a value is missing."""

from __future__ import annotations

import importlib.resources
import json
import re
from typing import cast

import check_jsonschema
import jsonschema
import pytest

from tests.support.compose_file import ROOT, TEXT, Missing, interpolate, parsed, services, variables_of

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
ASKED = re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE)
FILLED = {name: value or f"{name.lower().replace('_', '')}0123456789" for name, value in ASKED}


def test_it_is_what_the_compose_specification_allows() -> None:
    vendored = importlib.resources.files(check_jsonschema) / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(parsed(FILLED), json.loads(vendored.read_text(encoding="utf-8")))


def test_it_has_what_an_installation_consists_of() -> None:
    described = cast("dict[str, dict[str, object]]", parsed(FILLED)["services"])
    assert {"serve", "worker", "migrate", "inbox", "postgres", "temporal", "temporal-ui"} <= set(described)
    assert described["worker"]["deploy"] == {"replicas": 2}


def test_the_example_asks_for_every_variable_and_no_other() -> None:
    assert [name for name, _ in ASKED] == list(dict(ASKED))
    assert set(dict(ASKED)) == set(variables_of(TEXT))


def test_no_secret_has_a_default() -> None:
    secrets = [name for name in variables_of(TEXT) if re.search("PASSWORD|KEY", name)]
    assert len(secrets) == 6
    assert [name for name in secrets if variables_of(TEXT)[name] != ":?"] == []
    assert [name for name, value in ASKED if name in secrets and value] == []


@pytest.mark.parametrize("name", [name for name, form in variables_of(TEXT).items() if form == ":?"])
def test_a_missing_value_stops_it_with_a_word_that_says_what_to_do(name: str) -> None:
    with pytest.raises(Missing, match=rf"fill in {name} in \.env \(see \.env\.example\)"):
        interpolate(TEXT, FILLED | {name: ""})


def test_without_a_mail_server_of_its_own_mail_goes_to_the_inbox() -> None:
    assert (
        services(FILLED | {"PERENNIA_SMTP_URL": ""})["worker"].environment["PERENNIA_SMTP_URL"] == "smtp://inbox:1025"
    )


def test_every_image_names_its_version() -> None:
    images = re.findall(r"image: (\S+)", TEXT)
    assert [image for image in images if not re.search(r":(\d|local$)", image)] == []


def test_ports_are_open_to_this_machine_only() -> None:
    published = re.findall(r'ports: \["([^"]+)"\]', TEXT)
    assert len(published) == 3
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_what_it_mounts_exists() -> None:
    sources = re.findall(r"source: (\./[^,}\s]+)", TEXT)
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_is_built_from_files_that_exist_and_reach_the_build() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    }
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert copied == let_in
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    last_stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    assert re.search(r"^USER perennia$", last_stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last_stage, re.MULTILINE)
