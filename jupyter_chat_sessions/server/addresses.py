"""Every door and its address, below `{base}/chat-sessions`."""

from __future__ import annotations

from tornado.web import RequestHandler

from .about import Commands, Health, OpenApi, SandboxReport
from .ag_ui.doors import AgUi, AgUiOfThread
from .artifacts import File, Files, RunFile
from .doors import PREFIX
from .events import Events
from .imports import Imports
from .live import Live
from .mcp.doors import Mcp, McpOfThread
from .messages import Answer, Cancel, Head, Messages, Regenerate, WaitingMessage
from .models import Models, ProviderKey, Requests
from .openai import doors as openai
from .openai import response_doors
from .persons_files import Consent, CopyIn, SaveOut
from .shared_page import SharedAsset, SharedPage
from .shares import OneShare, Shares
from .threads import Deleted, Export, RestartKernel, Restore, Thread, Threads, Tools
from .variables import Variables

__all__ = ["DOORS", "PREFIX"]

_THREAD = r"/threads/([^/]*)"

DOORS: tuple[tuple[str, type[RequestHandler]], ...] = (
    (r"/threads", Threads),
    (rf"{_THREAD}/live", Live),
    (rf"{_THREAD}/events", Events),
    (rf"{_THREAD}/messages", Messages),
    (rf"{_THREAD}/messages/([^/]+)", WaitingMessage),
    (rf"{_THREAD}/cancel", Cancel),
    (rf"{_THREAD}/regenerate", Regenerate),
    (rf"{_THREAD}/head", Head),
    (rf"{_THREAD}/answer", Answer),
    (rf"{_THREAD}/restore", Restore),
    (rf"{_THREAD}/kernel/restart", RestartKernel),
    (rf"{_THREAD}/import", CopyIn),
    (rf"{_THREAD}/save", SaveOut),
    (rf"{_THREAD}/consent", Consent),
    (rf"{_THREAD}/export", Export),
    (rf"{_THREAD}/tools", Tools),
    (rf"{_THREAD}/runs/([^/]*)/requests", Requests),
    (rf"{_THREAD}/files", Files),
    (rf"{_THREAD}/files/(.+)", File),
    (rf"{_THREAD}/shares", Shares),
    (rf"{_THREAD}/shares/([^/]+)", OneShare),
    (rf"{_THREAD}/shared", SharedPage),
    (_THREAD, Thread),
    (r"/deleted", Deleted),
    (r"/shared/([^/]+)", SharedAsset),
    (r"/runs/([^/]*)/files/(.+)", RunFile),
    (r"/variables", Variables),
    (r"/commands", Commands),
    (r"/models", Models),
    (r"/keys/([^/]*)", ProviderKey),
    (r"/sandbox", SandboxReport),
    (r"/health", Health),
    (r"/openapi\.json", OpenApi),
    (r"/imports", Imports),
    (r"/ag-ui", AgUi),
    (r"/ag-ui/([^/]+)", AgUiOfThread),
    (r"/mcp", Mcp),
    (r"/mcp/([^/]+)", McpOfThread),
    (r"/v1/models", openai.Models),
    (r"/v1/models/(.+)", openai.Model),
    (r"/v1/chat/completions", openai.ChatCompletions),
    (r"/v1/responses", response_doors.Responses),
    (r"/v1/responses/([^/]+)", response_doors.Response),
    (r"/v1/responses/([^/]+)/cancel", response_doors.CancelResponse),
    (r"/v1/conversations", response_doors.Conversations),
    (r"/v1/conversations/([^/]+)", response_doors.Conversation),
    (r"/v1/conversations/([^/]+)/items", response_doors.ConversationItems),
)
