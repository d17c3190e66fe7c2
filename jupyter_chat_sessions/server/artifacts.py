"""The files of a thread: listed, served, put and removed. A served file never runs anything in the page or in a tab."""

from __future__ import annotations

import contextlib
import functools
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tornado import web
from tornado.iostream import StreamClosedError

from ..core.errors import TooLarge
from ..core.ids import parse_run_id
from .doors import ChatHandler, door, door_for
from .pieces import piece_in

if TYPE_CHECKING:  # `files` is imported at the first request, never at the server's start
    from ..files.safe_open import OpenFile

MOST_FILES = 2000
MOST_UPLOAD_BYTES = 100_000_000
MOST_PIECES_BYTES = 512 * 1024 * 1024
"""The largest file that may come in pieces: as much as is copied from beside the notebook."""
CHUNK = 1 << 18
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'; form-action 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class FilesDoor(ChatHandler):
    """What the doors to files share: how one is sent."""

    async def send_file(self, folder: Path, path: str, *, has_body: bool) -> None:
        """Sends a file below `folder`, whole or the one range asked for, exactly as many bytes as were promised."""
        from ..files.safe_open import opened_file

        with contextlib.ExitStack() as stack:
            opened = await self.chats.disk(stack.enter_context, opened_file(folder, path))
            self._describe(opened, path)
            if self.check_etag_header():
                self.set_status(304)
            else:
                first, last = self._range(opened)
                if has_body and not self._finished:
                    await self._send_bytes(opened, first, last)
        if not self._finished:
            self.finish()

    def _describe(self, opened: OpenFile, path: str) -> None:
        from ..files.file_names import OTHER

        name = path.rsplit("/", 1)[-1]
        disposition = "attachment" if opened.served_type == OTHER else "inline"
        charset = "; charset=UTF-8" if opened.served_type.startswith("text/") else ""
        self.set_header("Content-Type", opened.served_type + charset)
        self.set_header("Content-Disposition", f"{disposition}; filename*=UTF-8''{quote(name, safe='')}")
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Etag", opened.etag)

    def _range(self, opened: OpenFile) -> tuple[int, int]:
        """The first byte to send and the one after the last; status and length are set."""
        size = opened.size
        is_meant = self.request.headers.get("If-Range", opened.etag) == opened.etag
        asked = _RANGE.fullmatch(self.request.headers.get("Range", "")) if is_meant else None
        first, last = 0, size
        if asked and (asked[1] or asked[2]):
            first = int(asked[1]) if asked[1] else max(0, size - int(asked[2]))
            last = min(size, int(asked[2]) + 1) if asked[1] and asked[2] else size
            if first >= size or first >= last:
                self.set_status(416)
                self.set_header("Content-Range", f"bytes */{size}")
                self.write_json({"code": "range_not_satisfiable", "message": f"The file has {size} bytes."})
                return 0, 0
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {first}-{last - 1}/{size}")
        self.set_header("Content-Length", str(last - first))
        return first, last

    async def _send_bytes(self, opened: OpenFile, first: int, last: int) -> None:
        while first < last:
            chunk = await self.chats.disk(opened.read, first, min(CHUNK, last - first))
            if not chunk:  # it became shorter while it was sent: what was promised cannot be kept
                raise web.HTTPError(500, "The file became shorter while it was sent.")
            self.write(chunk)
            first += len(chunk)
            try:
                await self.flush()
            except StreamClosedError:
                return

    def set_default_headers(self) -> None:
        """In place of APIHandler's, which allow more than a file should. Refusals carry them as well."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def compute_etag(self) -> str | None:
        return None


class Files(ChatHandler):
    """`/threads/{thread_id}/files`"""

    @door_for("read")
    async def get(self, given: str) -> None:
        from ..files.folder_files import list_files

        session = await self.session_of(given)
        listed = await self.chats.disk(list_files, session.home.files, MOST_FILES)
        self.name_ids(session.thread_id)
        files = [
            {
                "path": each.path,
                "size": each.size,
                "modified": _when(each.mtime_ns),
                "media_type": each.media_type,
                "url": session.home.file_url(each.path),
            }
            for each in listed
        ]
        self.write_json({"files": files})


class File(FilesDoor):
    """`/threads/{thread_id}/files/{path}`"""

    @door_for("read")
    async def get(self, given: str, path: str) -> None:
        session = await self.session_of(given)
        await self.send_file(session.home.files, path, has_body=True)

    @door_for("read")
    async def head(self, given: str, path: str) -> None:
        session = await self.session_of(given)
        await self.send_file(session.home.files, path, has_body=False)

    @door_for("send")
    async def put(self, given: str, path: str) -> None:
        """Puts a new file; an existing one only with `?overwrite=true`. The file is whole or it is not there."""
        from ..files.folder_files import write_new

        if "Content-Range" in self.request.headers:
            await self._put_piece(given, path)
            return
        if len(self.request.body) > MOST_UPLOAD_BYTES:
            raise TooLarge(f"A file is at most {MOST_UPLOAD_BYTES:,} bytes.")
        may_overwrite = self.get_query_argument("overwrite", "false").lower() == "true"
        if may_overwrite:
            self.admit("manage", (given,))
        session = await self.session_of(given, must_exist=False)
        await session.create()
        await self.chats.disk(
            functools.partial(write_new, overwrites=may_overwrite), session.home.files, path, [self.request.body]
        )
        self.name_ids(session.thread_id)
        url = session.home.file_url(path)
        self.write_json({"path": path, "size": len(self.request.body), "url": url}, 201)

    async def _put_piece(self, given: str, path: str) -> None:
        """Puts one piece of a new file, or says how much of it has come. It is seen once it is whole."""
        from ..files.uploads import add_piece, bytes_come

        piece = piece_in(self.request.headers["Content-Range"], len(self.request.body))
        if piece.size > MOST_PIECES_BYTES:
            raise TooLarge(f"A file is at most {MOST_PIECES_BYTES:,} bytes; this one has {piece.size:,}.")
        session = await self.session_of(given, must_exist=False)
        await session.create()
        files = session.home.files
        if piece.start is None:
            come = await self.chats.disk(bytes_come, files, path, piece.size)
        else:
            come = await self.chats.disk(add_piece, files, path, piece.size, piece.start, self.request.body)
        self.name_ids(session.thread_id)
        is_whole = come == piece.size
        record = {"path": path, "size": piece.size, "received": come}
        url = {"url": session.home.file_url(path)} if is_whole else {}
        self.write_json({**record, **url}, 201 if is_whole and piece.start is not None else 200)

    @door_for("manage")
    async def delete(self, given: str, path: str) -> None:
        from ..files.folder_files import remove_file

        session = await self.session_of(given)
        await self.chats.disk(remove_file, session.home.files, path)
        self.set_status(204)
        self.finish()


class RunFile(FilesDoor):
    """`/runs/{run_id}/files/{path}`: the files of a tool call without a thread."""

    @door
    async def get(self, run_id: str, path: str) -> None:
        await self.send_file(await self._folder(run_id), path, has_body=True)

    @door
    async def head(self, run_id: str, path: str) -> None:
        await self.send_file(await self._folder(run_id), path, has_body=False)

    async def _folder(self, run_id: str) -> Path:
        owner = self.subject if self.chats.separate_users else None
        return await self.chats.disk(self.chats.alone.made_by, parse_run_id(run_id), owner)


def _when(mtime_ns: int) -> str:
    return (
        datetime.fromtimestamp(mtime_ns / 1e9, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
