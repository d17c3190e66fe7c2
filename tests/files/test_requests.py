"""What was sent to providers, kept beside a transcript: the newest, and never a thread's folder that has gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.errors import FileNotFound
from jupyter_chat_sessions.core.ids import new_run_id
from jupyter_chat_sessions.files import requests
from jupyter_chat_sessions.files.requests import keep_request, requests_of


@pytest.fixture
def thread(tmp_path: Path) -> Path:
    folder = tmp_path / ".chats" / "a"
    folder.mkdir(parents=True)
    return folder


def test_a_runs_requests_come_back_in_their_order_and_no_others(thread: Path) -> None:
    run, other = new_run_id(), new_run_id()
    for number in range(3):
        keep_request(thread, run, {"model": "m", "step": number})
        keep_request(thread, other, {"model": "m", "step": -1})
    found = requests_of(thread, run)
    assert [each["body"] for each in found] == [{"model": "m", "step": number} for number in range(3)]
    assert [each["sent"] for each in found] == sorted(each["sent"] for each in found)
    assert requests_of(thread, new_run_id()) == []


def test_the_oldest_go_first(thread: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST_KEPT", 3)
    run = new_run_id()
    for number in range(7):
        keep_request(thread, run, {"step": number})
    assert [each["body"]["step"] for each in requests_of(thread, run)] == [4, 5, 6]


def test_images_are_told_by_size_and_digest_and_words_stay_as_they_were(thread: Path) -> None:
    run, words = new_run_id(), "data: is what I ask about " * 50
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
    keep_request(thread, run, {"messages": [{"content": [image]}, {"content": words}]})
    (kept,) = requests_of(thread, run)
    url = kept["body"]["messages"][0]["content"][0]["image_url"]["url"]
    assert url.startswith("data:image/png;base64, 4000 characters, SHA-256 ")
    assert kept["body"]["messages"][1]["content"] == words


def test_a_torn_file_is_passed_over_and_a_folder_that_has_gone_is_not_made_again(thread: Path) -> None:
    run = new_run_id()
    keep_request(thread, run, {"step": 0})
    (file,) = (thread / "requests").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    assert requests_of(thread, run) == []
    file.unlink()
    os.rmdir(thread / "requests")
    os.rmdir(thread)
    with pytest.raises(FileNotFound):
        keep_request(thread, run, {"step": 1})
    assert not thread.exists()
