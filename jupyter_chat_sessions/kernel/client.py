"""A running server's chats over HTTP, with the standard library alone: what a kernel imports, a notebook waits for."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from types import TracebackType
from urllib.parse import quote, urlencode, urlsplit

from ..core.errors import ChatError
from ..core.ids import ThreadId
from .service import Frame, Outgoing, Place, Record, Unreachable

ANSWER_S = 60.0
SILENCE_S = 35.0
"""A server says every 10 s that it is still there."""

PAGE = 500


class Refused(ChatError):
    """The server refused; `code` and `message` are its own."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class HttpService:
    """Implements `ChatService`. `base` is the address below which a server's doors are, `…/chat-sessions`."""

    def __init__(self, base: str, token: str | None, where: str) -> None:
        address = urlsplit(base)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise Unreachable(f"A server's address begins with http:// or https://, not {base[:60]!r}.")
        self.base = base
        self._is_secure = address.scheme == "https"
        self._host, self._port = address.hostname, address.port
        self._prefix = address.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.where = where

    # --- threads ------------------------------------------------------------------------------------------------------

    def current(self, place: Place) -> Record:
        return self._ask("POST", "/threads", {**_place(place), "current": True})

    def create(self, place: Place, thread_id: ThreadId | None = None, title: str | None = None) -> Record:
        return self._ask("POST", "/threads", {**_place(place), "thread_id": thread_id, "title": title})

    def threads(self, place: Place) -> list[Record]:
        found: list[Record] = self._ask("GET", f"/threads?{urlencode(_given(_place(place)))}")["threads"]
        return found

    def thread(self, thread_id: ThreadId) -> Record:
        return self._ask("GET", f"/threads/{thread_id}")

    def rename(self, thread_id: ThreadId, title: str) -> Record:
        return self._ask("PATCH", f"/threads/{thread_id}", {"title": title})

    def delete(self, thread_id: ThreadId) -> None:
        self._bytes("DELETE", f"/threads/{thread_id}")

    # --- messages -----------------------------------------------------------------------------------------------------

    def send(self, thread_id: ThreadId, message: Outgoing) -> Record:
        body = {"message_id": message.id, "content": message.content, **message.options}
        try:
            return self._ask("POST", f"/threads/{thread_id}/messages", body)
        except Unreachable:  # its id makes a second try harmless, and often the server was only restarting
            return self._ask("POST", f"/threads/{thread_id}/messages", body)

    def cancel(self, thread_id: ThreadId, run_id: str | None = None) -> list[str]:
        stopped: list[str] = self._ask("POST", f"/threads/{thread_id}/cancel", {"run_id": run_id})["run_ids"]
        return stopped

    def answer(self, thread_id: ThreadId, run_id: str, answers: Sequence[Record]) -> Record:
        return self._ask("POST", f"/threads/{thread_id}/answer", {"run_id": run_id, "answers": list(answers)})

    def messages(self, thread_id: ThreadId) -> list[Record]:
        messages: list[Record] = []
        before, more = "", True
        while more:
            page = self._ask("GET", f"/threads/{thread_id}/messages?limit={PAGE}{before}")
            messages[:0] = [each["message"] for each in page["messages"]]
            more = page["more"] and bool(page["messages"])
            before = f"&before={page['messages'][0]['seq']}" if more else ""
        return messages

    def tools(self, thread_id: ThreadId) -> Record:
        return self._ask("GET", f"/threads/{thread_id}/tools")

    # --- files --------------------------------------------------------------------------------------------------------

    def export(self, thread_id: ThreadId, wanted: str) -> bytes:
        return self._bytes("GET", f"/threads/{thread_id}/export?format={wanted}")

    def put_file(self, thread_id: ThreadId, path: str, data: bytes) -> Record:
        answer = self._bytes("PUT", f"/threads/{thread_id}/files/{quote(path)}?overwrite=true", data)
        record: Record = json.loads(answer)
        return record

    def file(self, thread_id: ThreadId, artifact: Record) -> bytes:
        """The address is the server's own, as it came with the artifact."""
        return self._bytes("GET", str(artifact["url"]), prefix="")

    # --- what happens --------------------------------------------------------------------------------

    def check(self) -> None:
        self._ask("GET", "/threads?limit=1")

    def watch(self, thread_id: ThreadId, after: int = 0) -> HttpWatch:
        return self._events(f"/threads/{thread_id}/events?after={after}")

    def listen(self, thread_id: ThreadId, after: int = 0) -> HttpWatch:
        return self._events(f"/threads/{thread_id}/events?after={after}&decides=false")

    def _events(self, path: str) -> HttpWatch:
        connection = self._connection(SILENCE_S)
        with self._reaching():
            connection.connect()
        plug = connection.sock  # http.client forgets it as soon as the answer has begun
        return HttpWatch(plug, self._response(connection, "GET", self._prefix + path))

    # --- one request --------------------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: Record | None = None) -> Record:
        data = None if body is None else json.dumps(_given(body)).encode()
        answer: Record = json.loads(self._bytes(method, path, data))
        return answer

    def _bytes(self, method: str, path: str, data: bytes | None = None, prefix: str | None = None) -> bytes:
        connection = self._connection(ANSWER_S)
        address = (self._prefix if prefix is None else prefix) + path
        with contextlib.closing(connection), self._reaching():
            return self._response(connection, method, address, data).read()

    def _response(
        self, connection: http.client.HTTPConnection, method: str, path: str, data: bytes | None = None
    ) -> http.client.HTTPResponse:
        with self._reaching():
            connection.request(method, path, data, self._headers)
            response = connection.getresponse()
            if response.status >= 300:
                raise _refusal(response.status, response.read())
            return response

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException) as fault:
            why = str(fault) or type(fault).__name__
            raise Unreachable(f"The Jupyter server at {self._host} does not answer: {why}.") from fault

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._is_secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)


class HttpWatch:
    """Server-sent events of one thread, as frames."""

    def __init__(self, plug: socket.socket, response: http.client.HTTPResponse) -> None:
        self._plug = plug
        self._response = response

    def __iter__(self) -> Iterator[Frame]:
        try:
            while line := self._response.readline():
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        except (OSError, ValueError, http.client.HTTPException):  # broken, or closed from another thread
            return

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it may have ended by itself
            self._plug.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> HttpWatch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _place(place: Place) -> Record:
    return {"notebook": place.notebook, "folder": place.folder}


def _given(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


def _refusal(status: int, body: bytes) -> Refused:
    """The server's own words; a page of some proxy's is left out."""
    try:
        record = json.loads(body)
        return Refused(str(record["code"]), str(record["message"]), status)
    except (ValueError, KeyError, TypeError):
        return Refused("refused", f"The Jupyter server refused (HTTP {status}).", status)
