"""The settings as a terminal tells them."""

from __future__ import annotations

import re

import pytest
from traitlets.config import Config

from jupyter_chat_sessions import command
from jupyter_chat_sessions.server.extension import ChatSessions


def test_a_terminal_tells_every_setting_as_a_configuration_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["settings"]) == 0
    told = capsys.readouterr().out
    config = Config()
    exec("\n".join(re.findall(r"^# (c\.ChatSessions\..+)$", told, re.MULTILINE)), {"c": config})
    settings = {name: trait.default() for name, trait in ChatSessions.class_own_traits(config=True).items()}
    assert dict(config.ChatSessions) == settings
    assert all(trait.help.split(".")[0][:60] in told for trait in ChatSessions.class_own_traits(config=True).values())
