"""Shares on disk: kept whole by all servers of a user, without their tokens, and forgotten long after they ended."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.errors import Unreadable
from jupyter_chat_sessions.core.grants import Share, ShareLevel, digest_of, new_share_id, new_token
from jupyter_chat_sessions.core.ids import OWNER, new_thread_id
from jupyter_chat_sessions.files.shares_file import SharesFile

THREAD = new_thread_id()
WRITERS, EACH = 4, 10


def a_share(expires: str = "2026-12-01T00:00:00.000Z", level: ShareLevel = "read") -> Share:
    return Share(new_share_id(), THREAD, OWNER, level, "2026-11-21T00:00:00.000Z", expires, "analysis")


def add_some(data_dir: Path) -> None:
    for _ in range(EACH):
        SharesFile(data_dir).add(digest_of(new_token()), a_share("2999-01-01T00:00:00.000Z"))


def test_a_share_is_found_by_its_tokens_digest_in_another_process_and_taken_back_there(tmp_path: Path) -> None:
    token, share = new_token(), a_share(level="send")
    SharesFile(tmp_path, lambda: "2026-11-21T00:00:00.000Z").add(digest_of(token), share)
    reader, writer = SharesFile(tmp_path), SharesFile(tmp_path, lambda: "2026-11-22T00:00:00.000Z")
    assert reader.find(digest_of(token)) == share
    assert reader.find(digest_of(new_token())) is None
    assert writer.revoke(share.share_id, new_thread_id()) is None
    assert writer.revoke(share.share_id, THREAD) is not None
    found = reader.find(digest_of(token))
    assert found is not None
    assert found.revoked == "2026-11-22T00:00:00.000Z"
    file = tmp_path / "chat_sessions" / "shares.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token.encode() not in file.read_bytes()


def test_servers_that_share_at_once_lose_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=add_some, args=(tmp_path,)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert len(SharesFile(tmp_path).all()) == WRITERS * EACH


def test_what_ended_a_month_ago_is_forgotten_at_the_next_change(tmp_path: Path) -> None:
    old, fresh = digest_of(new_token()), digest_of(new_token())
    SharesFile(tmp_path, lambda: "2026-11-21T00:00:00.000Z").add(old, a_share("2026-11-22T00:00:00.000Z"))
    later = SharesFile(tmp_path, lambda: "2026-12-20T00:00:00.000Z")
    later.add(digest_of(new_token()), a_share("2027-01-01T00:00:00.000Z"))
    assert later.find(old) is not None, "its link can still say why it does not open"
    SharesFile(tmp_path, lambda: "2026-12-23T00:00:00.000Z").add(fresh, a_share("2027-01-01T00:00:00.000Z"))
    assert later.find(old) is None
    assert later.find(fresh) is not None


@pytest.mark.parametrize(
    "content", ["", "[]", '{"shares": 1}', '{"shares": [{}]}', '{"shares": [{"digest": "d", "level": "all"}]}']
)
def test_a_file_that_cannot_be_understood_opens_nothing_and_is_left_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "chat_sessions" / "shares.json"
    file.parent.mkdir()
    file.write_text(content)
    shares = SharesFile(tmp_path)
    with pytest.raises(Unreadable, match="Move it away"):
        shares.find(digest_of(new_token()))
    with pytest.raises(Unreadable):
        shares.add(digest_of(new_token()), a_share())
    assert file.read_text() == content


def test_a_token_is_ours_by_its_form_and_never_the_same_twice() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
