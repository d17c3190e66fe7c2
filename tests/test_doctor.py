"""The doctor tells what it has tried, in words, and its exit status says whether tools are confined."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import pytest

from jupyter_chat_sessions import command, doctor
from jupyter_chat_sessions.core.roles import Level
from jupyter_chat_sessions.sandbox.backends import BACKENDS, Launch, Report, backend_named


@dataclass
class Found:
    """A backend whose trial has come out so."""

    name: str
    level: Level
    report: Report
    keepers: int = 0
    ipykernel_options: tuple[str, ...] = ()

    def probe(self) -> Report:
        return self.report

    def confine(self, launch: Launch) -> Launch:
        raise AssertionError("the doctor starts no kernel")


def found(name: str, level: Level, reason: str = "", *gaps: str) -> Found:
    return Found(name, level, Report(not reason, level, gaps, reason))


def run(monkeypatch: pytest.MonkeyPatch, *backends: object) -> int:
    monkeypatch.setattr(doctor, "BACKENDS", (*backends, backend_named("plain")))
    return doctor.main()


def test_the_command_tries_the_real_thing_and_says_what_is_used() -> None:
    asked = [sys.executable, "-m", "jupyter_chat_sessions.command", "doctor"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    reports = {backend.name: backend.probe() for backend in BACKENDS}
    assert done.stdout.count(", and is used") == 1
    for name, report in reports.items():
        assert f"{name} ({report.level}): {'works' if report.ok else 'does not work'}" in done.stdout
    confined = any(report.ok and report.level != "unconfined" for report in reports.values())
    assert done.returncode == (0 if confined else 1)


def test_where_the_strongest_works_its_gaps_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, found("bubblewrap", "isolated", "", "no graphics cards")) == 0
    shown = capsys.readouterr().out
    assert "bubblewrap (isolated): works, and is used" in shown
    assert "but: no graphics cards" in shown


def test_what_is_missing_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda tool: tool if tool == "dnf" else None)
    missing = found("bubblewrap", "isolated", "bwrap is not installed (package bubblewrap)")
    assert run(monkeypatch, missing, found("landlock", "confined")) == 0
    shown = capsys.readouterr().out
    assert "why: bwrap is not installed" in shown
    assert "try: sudo dnf install bubblewrap" in shown
    assert "landlock (confined): works, and is used" in shown


def test_where_nothing_confines_tools_the_exit_status_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = found("bubblewrap", "isolated", "No permissions to create new namespace")
    absent = found("landlock", "confined", "the Python package landlockpy is not installed")
    assert run(monkeypatch, refused, absent) == 1
    shown = capsys.readouterr().out
    assert "as most containers do" in shown
    assert "try: pip install landlockpy" in shown
    assert "plain (unconfined): works, and is used" in shown
    assert "but: tools can use the network" in shown


def test_a_command_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["nurse"])
    assert "doctor" in capsys.readouterr().err
