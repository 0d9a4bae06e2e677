"""Results of scenarios as JUnit XML, which every CI shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml


@dataclass(frozen=True)
class Verdict:
    """One scenario: ``failure`` None means that it passed; ``crashed``: it could not be run to its end."""

    file: str
    line: int
    scenario: str
    seconds: float
    failure: str | None
    crashed: bool = False


def junit(verdicts: Sequence[Verdict]) -> str:
    """One suite a file, in the order given."""
    root = Xml.Element("testsuites", _totals("scenarios", verdicts))
    for file in dict.fromkeys(verdict.file for verdict in verdicts):
        cases = [verdict for verdict in verdicts if verdict.file == file]
        suite = Xml.SubElement(root, "testsuite", _totals(file, cases))
        for case in cases:
            _case(suite, case)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _case(suite: Xml.Element, verdict: Verdict) -> None:
    names = {"classname": verdict.file, "name": _clean(verdict.scenario), "time": f"{verdict.seconds:.3f}"}
    case = Xml.SubElement(suite, "testcase", {**names, "file": verdict.file, "line": str(verdict.line)})
    if verdict.failure is not None:
        said = next((line for line in verdict.failure.splitlines() if line.startswith("First difference")), "failed")
        kind = "error" if verdict.crashed else "failure"
        Xml.SubElement(case, kind, {"message": _clean(said)}).text = _clean(verdict.failure)


def _totals(name: str, verdicts: Iterable[Verdict]) -> dict[str, str]:
    cases = list(verdicts)
    return {
        "name": name,
        "tests": str(len(cases)),
        "failures": str(sum(case.failure is not None and not case.crashed for case in cases)),
        "errors": str(sum(case.crashed for case in cases)),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _clean(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(each for each in text if each in "\n\t" or (each >= " " and each not in "\ufffe\uffff"))
