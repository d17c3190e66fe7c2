"""The REST doors as an OpenAPI 3.1 description. A test holds it against the doors and their real answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .. import __version__
from . import bodies
from .ag_ui.bodies import RunAgentInput
from .openai import described as openai

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
NULLABLE: Schema = {"type": ["string", "null"]}


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_ROW = {
    "thread_id": STRING,
    "title": STRING,
    "created": NULLABLE,
    "updated": NULLABLE,
    "message_count": INTEGER,
    "preview": STRING,
    "notebook": NULLABLE,
    "origin": NULLABLE,
    "folder": STRING,
    "running": BOOLEAN,
}
_TOLD_OF_DELETED = ("thread_id", "title", "updated", "message_count", "preview", "notebook", "folder")
_DELETED = {**{name: _ROW[name] for name in _TOLD_OF_DELETED}, "deleted": STRING}
_RUN = {"oneOf": [{"type": "null"}, _object({"run_id": STRING, "status": STRING})]}
_RUN_TOLD = _object(
    {
        "run_id": STRING,
        "message_id": STRING,
        "parent_run_id": NULLABLE,
        "seq": INTEGER,
        "outcome": NULLABLE,
        "model": NULLABLE,
        "usage": {"type": ["object", "null"]},
    }
)
_ACCEPTED = {
    "thread_id": STRING,
    "message_id": STRING,
    "run_id": STRING,
    "seq": INTEGER,
    "queued": BOOLEAN,
    "queue_depth": INTEGER,
}

_SHARE = {"share_id": STRING, "thread_id": STRING, "rights": STRING, "created": STRING, "expires": STRING}

SCHEMAS: dict[str, Schema] = {
    "Error": _object({"code": STRING, "message": STRING}),
    "ThreadRow": _object({**_ROW, "kernel": BOOLEAN}),
    "ThreadList": _object({"threads": _list(_ref("ThreadRow")), "version": INTEGER}),
    "DeletedList": _object({"threads": _list(_object(_DELETED))}),
    "Thread": _object({**_ROW, "run": _RUN, "queue_depth": INTEGER, "level": STRING}, {"new": BOOLEAN}),
    "MessagePage": _object(
        {
            "messages": _list(
                _object({"seq": INTEGER, "created": STRING, "run_id": NULLABLE, "message": {"type": "object"}})
            ),
            "runs": _list(_RUN_TOLD),
            "beside": _list(_RUN_TOLD),
            "more": BOOLEAN,
        }
    ),
    "Accepted": _object(_ACCEPTED),
    "Answered": _object({**_ACCEPTED, "outcome": STRING, "messages": _list({"type": "object"})}),
    "Cancelled": _object({"cancelled": BOOLEAN, "run_ids": _list(STRING)}),
    "GoingOn": _object({"thread_id": STRING, "message_id": STRING, "run_id": STRING}),
    "Share": _object(_SHARE),
    "NewlyShared": _object({**_SHARE, "token": STRING, "url": STRING}),
    "ShareList": _object({"shares": _list(_ref("Share"))}),
    "Entered": _object({"share_id": STRING, "rights": STRING, "expires": STRING}),
    "Head": _object({"thread_id": STRING, "head": STRING}),
    "Restarted": _object({"restarted": BOOLEAN}),
    "FileList": _object(
        {
            "files": _list(
                _object({"path": STRING, "size": INTEGER, "modified": STRING, "media_type": STRING, "url": STRING})
            )
        }
    ),
    "CopiedIn": _object({"path": STRING, "size": INTEGER, "media_type": STRING, "url": STRING}),
    "Consented": _object({"notebook_folder": BOOLEAN}),
    "SavedOut": _object({"path": STRING, "size": INTEGER}),
    "PutFile": _object({"path": STRING, "size": INTEGER, "url": STRING}, {"received": INTEGER}),
    "PutPiece": _object({"path": STRING, "size": INTEGER, "received": INTEGER}, {"url": STRING}),
    "Tools": _object(
        {
            "level": STRING,
            "tools": _list(
                _object(
                    dict.fromkeys(("name", "description", "permission"), STRING),
                    {"consent": _object({"arguments": {"type": "object"}, "permission": STRING})},
                )
            ),
        }
    ),
    "Variables": _object(
        {"variables": _list(_object(dict.fromkeys(("name", "type", "size", "preview"), STRING))), "more": BOOLEAN}
    ),
    "Commands": _object({"commands": _list(_object(dict.fromkeys(("name", "usage", "help", "heard_by"), STRING)))}),
    "Sandbox": _object({"level": STRING, "gaps": _list(STRING), "reason": STRING}),
    "Models": _object(
        {
            "models": _list(_object({"id": STRING, "label": STRING, "why": STRING, "trusted": BOOLEAN})),
            "default": _object({"id": STRING, "label": STRING, "why": STRING}),
            "providers": _list(
                _object(
                    {
                        **dict.fromkeys(("name", "title", "variable", "model", "install"), STRING),
                        **dict.fromkeys(("set", "needs_key"), BOOLEAN),
                        "source": NULLABLE,
                    }
                )
            ),
        }
    ),
    "Key": _object({"set": BOOLEAN, "source": NULLABLE}),
    "Requests": _object({"run_id": STRING, "requests": _list(_object({"sent": NUMBER, "body": {"type": "object"}}))}),
    "Health": _object(
        {"version": STRING, "status": STRING, "open_threads": INTEGER, "runs_in_flight": INTEGER, "persist": BOOLEAN}
    ),
    **openai.SCHEMAS,
    "JsonRpcMessage": {"type": "object", "properties": {"jsonrpc": STRING, "id": {}, "result": {}, "error": {}}},
    "JsonRpc": {"anyOf": [_ref("JsonRpcMessage"), {"type": "array", "items": _ref("JsonRpcMessage")}]},
}

_BODIES: dict[str, type[BaseModel]] = {
    "RunAgentInput": RunAgentInput,
    "NewThread": bodies.NewThread,
    "Rename": bodies.Rename,
    "NewMessage": bodies.NewMessage,
    "CopyIn": bodies.CopyIn,
    "SaveOut": bodies.SaveOut,
    "Consent": bodies.Consent,
    "Cancel": bodies.Cancel,
    "Regenerate": bodies.Regenerate,
    "Answer": bodies.Answer,
    "NewShare": bodies.NewShare,
    "Entering": bodies.Entering,
    "NewHead": bodies.Head,
    "TypedKey": bodies.TypedKey,
    **openai.BODIES,
}

THREAD = "/threads/{thread_id}"
ERRORS = (400, 401, 403, 404, 405, 409, 412, 413, 422, 429, 503, 507)


def _json(name: str, words: str) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": _ref(name)}}}


def _bytes(media_type: str, words: str) -> Schema:
    return {"description": words, "content": {media_type: {}}}


def _operation(
    summary: str, answers: dict[int, Schema], body: str | None = None, query: tuple[str, ...] = (), header: str = ""
) -> Schema:
    refused = {str(status): _json("Error", "Refused; the body says why.") for status in ERRORS}
    operation: Schema = {
        "summary": summary,
        "responses": {**refused, **{str(status): answer for status, answer in answers.items()}},
        "parameters": [{"name": name, "in": "query", "schema": STRING} for name in query],
    }
    if header:
        operation["parameters"].append({"name": header, "in": "header", "schema": STRING})
    if body:
        operation["requestBody"] = {"content": {"application/json": {"schema": _ref(body)}}}
    return operation


_HINTS = ("notebook", "folder")


_COPIED = {201: _json("CopiedIn", "It is there.")}
_SAVED = {201: _json("SavedOut", "It is there, under this path below the server's root; nothing was overwritten.")}
_CONSENTED = {200: _json("Consented", "What holds now.")}
_SHOWN = {200: _json("Thread", "The thread.")}
_NOTHING = {204: {"description": "Done."}}
_TOLD = {200: _bytes("text/event-stream", "AG-UI events, until the run has ended.")}
_SPOKEN: dict[int, Schema] = {
    200: {
        "description": "The answer, or events that end with it.",
        "content": {"application/json": {"schema": _ref("JsonRpc")}, "text/event-stream": {}},
    },
    202: {"description": "A notification has been heard."},
    400: _json("JsonRpc", "This is no message of the protocol."),
    404: _json("JsonRpc", "There is no such method, or no such thread."),
}
_FILE_BYTES = {
    200: _bytes("application/octet-stream", "The file."),
    206: _bytes("application/octet-stream", "The range asked for."),
    416: _json("Error", "The file is shorter."),
}

PATHS: dict[str, dict[str, Schema]] = {
    "/threads": {
        "get": _operation(
            "Threads of a notebook, a folder or the server, the newest first",
            {200: _json("ThreadList", "The list.")},
            query=("notebook", "folder", "q", "limit", "before"),
        ),
        "post": _operation(
            "Make a thread, or find it by id, session key or as the notebook's current one",
            {201: _json("Thread", "Made."), 200: _json("Thread", "It was there.")},
            "NewThread",
            header="X-Session-Key",
        ),
    },
    THREAD: {
        "get": _operation("One thread", _SHOWN, query=_HINTS),
        "patch": _operation("Rename", _SHOWN, "Rename", query=_HINTS, header="If-Match"),
        "delete": _operation("Delete; it stays in the trash for 7 days", _NOTHING, query=_HINTS),
    },
    f"{THREAD}/restore": {"post": _operation("Take a deleted thread back", _SHOWN, query=_HINTS)},
    "/deleted": {
        "get": _operation(
            "Deleted threads that can be taken back, the latest deletion first",
            {200: _json("DeletedList", "The list.")},
            query=("notebook", "folder", "limit"),
        )
    },
    f"{THREAD}/messages": {
        "get": _operation(
            "A page of messages, oldest first",
            {200: _json("MessagePage", "The page.")},
            query=(*_HINTS, "before", "limit"),
        ),
        "post": _operation(
            "Send a message",
            {202: _json("Accepted", "It is on disk."), 200: _json("Answered", "With wait=true: its run has ended.")},
            "NewMessage",
            query=("wait",),
        ),
    },
    f"{THREAD}/messages/{{message_id}}": {"delete": _operation("Take back a waiting message", _NOTHING, query=_HINTS)},
    f"{THREAD}/cancel": {
        "post": _operation("Stop", {200: _json("Cancelled", "What was stopped.")}, "Cancel", query=_HINTS)
    },
    f"{THREAD}/regenerate": {
        "post": _operation("Answer a message again", {202: _json("GoingOn", "Begun.")}, "Regenerate", query=_HINTS)
    },
    f"{THREAD}/head": {
        "post": _operation("Turn to another branch", {200: _json("Head", "It is shown.")}, "NewHead", query=_HINTS)
    },
    f"{THREAD}/answer": {
        "post": _operation(
            "Decide what a run asks a person", {202: _json("GoingOn", "It goes on.")}, "Answer", query=_HINTS
        )
    },
    f"{THREAD}/kernel/restart": {
        "post": _operation("Forget the variables; files remain", {202: _json("Restarted", "Done.")}, query=_HINTS)
    },
    f"{THREAD}/events": {
        "get": _operation(
            "The websocket's frames as server-sent events",
            {200: _bytes("text/event-stream", "Frames, until the client leaves.")},
            query=(*_HINTS, "after"),
        )
    },
    f"{THREAD}/export": {
        "get": _operation(
            "The conversation as a file",
            {200: _bytes("text/markdown", "Markdown, a notebook or JSON.")},
            query=(*_HINTS, "format"),
        )
    },
    f"{THREAD}/tools": {
        "get": _operation(
            "The tools, and what holds for each in this thread", {200: _json("Tools", "The list.")}, query=_HINTS
        )
    },
    f"{THREAD}/import": {
        "post": _operation("Copy a file below the notebook's folder into the thread's", _COPIED, "CopyIn", query=_HINTS)
    },
    f"{THREAD}/save": {
        "post": _operation("Copy a file of the thread to the notebook's folder", _SAVED, "SaveOut", query=_HINTS)
    },
    f"{THREAD}/runs/{{run_id}}/requests": {
        "get": _operation(
            "What was sent to a provider in a run", {200: _json("Requests", "Step by step.")}, query=_HINTS
        )
    },
    f"{THREAD}/shares": {
        "get": _operation("The shares that open it", {200: _json("ShareList", "The list.")}, query=_HINTS),
        "post": _operation(
            "Share it: the token is told this once", {201: _json("NewlyShared", "Made.")}, "NewShare", query=_HINTS
        ),
    },
    f"{THREAD}/shares/{{share_id}}": {"delete": _operation("Take a share back", _NOTHING, query=_HINTS)},
    f"{THREAD}/shared": {
        "get": _operation("The page a share's link opens", {200: _bytes("text/html", "The page.")}),
        "post": _operation("Trade a share's token for a cookie", {200: _json("Entered", "Done.")}, "Entering"),
    },
    "/shared/{name}": {"get": _operation("That page's script and style", {200: _bytes("text/javascript", "It.")})},
    f"{THREAD}/consent": {
        "put": _operation("Let its tools read the notebook's folder, or no longer", _CONSENTED, "Consent", query=_HINTS)
    },
    f"{THREAD}/files": {"get": _operation("The files", {200: _json("FileList", "The list.")}, query=_HINTS)},
    f"{THREAD}/files/{{path}}": {
        "get": _operation("A file", _FILE_BYTES, query=_HINTS),
        "head": _operation("A file's headers", _FILE_BYTES, query=_HINTS),
        "put": _operation(
            "Put a file, whole or piece by piece",
            {201: _json("PutFile", "It is there."), 200: _json("PutPiece", "So much of it has come.")},
            query=(*_HINTS, "overwrite"),
            header="Content-Range",
        ),
        "delete": _operation("Remove a file", _NOTHING, query=_HINTS),
    },
    "/runs/{run_id}/files/{path}": {
        "get": _operation("A file of a tool call without a thread", _FILE_BYTES),
        "head": _operation("Its headers", _FILE_BYTES),
    },
    "/variables": {
        "get": _operation(
            "The variables of a notebook's kernel", {200: _json("Variables", "The list.")}, query=("notebook", "limit")
        )
    },
    "/commands": {"get": _operation("What can be typed after `/`", {200: _json("Commands", "The commands.")})},
    "/imports": {
        "post": _operation(
            "Make a thread of another program's chat: the file is the body",
            {201: _json("Thread", "Made."), 200: _json("Thread", "It had been imported before.")},
            query=("name", "notebook", "folder"),
        )
    },
    "/ag-ui": {"post": _operation("AG-UI: answer in the thread of `threadId`", _TOLD, "RunAgentInput", query=_HINTS)},
    "/ag-ui/{thread_id}": {"post": _operation("AG-UI: answer in this thread", _TOLD, "RunAgentInput", query=_HINTS)},
    "/mcp": {"post": _operation("MCP: tools that run without a thread", _SPOKEN, "JsonRpc")},
    "/mcp/{thread_id}": {"post": _operation("MCP: the tools of a thread", _SPOKEN, "JsonRpc", query=_HINTS)},
    "/models": {"get": _operation("What can answer, and why", {200: _json("Models", "Models, default and keys.")})},
    "/keys/{provider}": {
        "put": _operation("Type a provider's key; it is held in memory", {200: _json("Key", "Held.")}, "TypedKey"),
        "delete": _operation("Forget a typed key", {200: _json("Key", "What is left.")}),
    },
    "/sandbox": {"get": _operation("How far tools are confined", {200: _json("Sandbox", "The level and its gaps.")})},
    "/health": {"get": _operation("Version and state", {200: _json("Health", "The state.")})},
    "/openapi.json": {"get": _operation("This description", {200: _bytes("application/json", "OpenAPI 3.1.")})},
    **openai.PATHS,
}


def description(address: str) -> Schema:
    """The whole description, for the server whose doors begin at `address`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_chat_sessions", "version": __version__},
        "servers": [{"url": address}],
        "paths": {path: {**_parameters(path), **operations} for path, operations in PATHS.items()},
        "components": {"schemas": {**SCHEMAS, **_body_schemas()}},
    }


def _parameters(path: str) -> Schema:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    named = [{"name": name, "in": "path", "required": True, "schema": STRING} for name in names]
    return {"parameters": named} if named else {}


def _body_schemas() -> Schema:
    schemas: Schema = {}
    for name, model in _BODIES.items():
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[name] = schema
    return schemas
