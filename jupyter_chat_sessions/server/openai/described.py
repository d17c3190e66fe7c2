"""The OpenAI-compatible doors in the server's OpenAPI description: what can be relied on of OpenAI's shapes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from . import bodies

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_NULLABLE: Schema = {"type": ["string", "null"]}
_LIST: Schema = {"type": "array", "items": {"type": "object"}}
_OBJECT: Schema = {"type": "object"}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


SCHEMAS: dict[str, Schema] = {
    "OpenAIError": _object(error=_object(message=_STRING, type=_STRING, param=_NULLABLE, code=_NULLABLE)),
    "OpenAIModel": _object(id=_STRING, object=_STRING, created=_NUMBER, owned_by=_STRING),
    "OpenAIList": _object(object=_STRING, data=_LIST),
    "OpenAICompletion": _object(
        id=_STRING, object=_STRING, created=_NUMBER, model=_STRING, choices=_LIST, usage=_OBJECT
    ),
    "OpenAIResponse": _object(
        id=_STRING, object=_STRING, created_at=_NUMBER, status=_STRING, model=_STRING, output=_LIST,
        conversation=_object(id=_STRING), previous_response_id=_NULLABLE,
    ),
    "OpenAIConversation": _object(id=_STRING, object=_STRING, created_at=_NUMBER, metadata=_OBJECT),
    "OpenAIDeleted": _object(id=_STRING, object=_STRING, deleted={"type": "boolean"}),
}  # fmt: skip

BODIES: dict[str, type[BaseModel]] = {
    "OpenAIChatCompletionBody": bodies.ChatCompletion,
    "OpenAIResponseBody": bodies.NewResponse,
    "OpenAIConversationBody": bodies.NewConversation,
}

_STATUSES = (400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 502, 503, 504, 507)
_KEYS = ("X-Session-Key", "X-Thread-Id", "X-Run-Detached", "Idempotency-Key")


def _content(name: str) -> Schema:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _operation(
    summary: str, answer: str, body: str | None = None, query: tuple[str, ...] = (), headers: tuple[str, ...] = ()
) -> Schema:
    refused = {"description": "Refused.", "content": {"application/json": _content("OpenAIError")}}
    answered: Schema = {"description": "Done.", "content": {"application/json": _content(answer)}}
    named = [{"name": name, "in": "query", "schema": _STRING} for name in query]
    named += [{"name": name, "in": "header", "schema": _STRING} for name in headers]
    operation: Schema = {
        "summary": summary,
        "responses": {**{str(status): refused for status in _STATUSES}, "200": answered},
        "parameters": named,
    }
    if body:
        operation["requestBody"] = {"content": {"application/json": _content(body)}}
    return operation


def _or_streamed(operation: Schema) -> Schema:
    """The same, where a request may ask for server-sent events."""
    operation["responses"]["200"]["content"]["text/event-stream"] = {}
    return operation


PATHS: dict[str, dict[str, Schema]] = {
    "/v1/models": {"get": _operation("OpenAI: the models that can be named", "OpenAIList")},
    "/v1/models/{model}": {"get": _operation("OpenAI: one model", "OpenAIModel")},
    "/v1/chat/completions": {
        "post": _or_streamed(
            _operation(
                "OpenAI: a chat completion, whole or as server-sent events",
                "OpenAICompletion",
                "OpenAIChatCompletionBody",
                headers=_KEYS,
            )
        )
    },
    "/v1/responses": {
        "post": _or_streamed(
            _operation(
                "OpenAI: a response, whole, as server-sent events or in the background",
                "OpenAIResponse",
                "OpenAIResponseBody",
                headers=_KEYS,
            )
        )
    },
    "/v1/responses/{response_id}": {
        "get": _or_streamed(
            _operation("OpenAI: a response, or its events", "OpenAIResponse", query=("stream", "starting_after"))
        ),
        "delete": _operation("OpenAI: delete a response that stands alone", "OpenAIDeleted"),
    },
    "/v1/responses/{response_id}/cancel": {"post": _operation("OpenAI: stop a response", "OpenAIResponse")},
    "/v1/conversations": {"post": _operation("OpenAI: make a thread", "OpenAIConversation", "OpenAIConversationBody")},
    "/v1/conversations/{conversation_id}": {
        "get": _operation("OpenAI: a thread", "OpenAIConversation"),
        "delete": _operation("OpenAI: delete a thread", "OpenAIDeleted"),
    },
    "/v1/conversations/{conversation_id}/items": {
        "get": _operation("OpenAI: what was said", "OpenAIList", query=("order", "limit", "after"))
    },
}
