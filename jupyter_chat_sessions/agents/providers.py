"""Who offers models: the table that model ids such as `openai:gpt-4.1-mini` are looked up in.

A model id is split at its first colon, since Ollama's own names have colons. Every base URL can be replaced by the
variable `<PROVIDER>_BASE_URL`, and what a model can read by `<PROVIDER>_CONTEXT_TOKENS`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from ..core.errors import AgentFailed
from .history import Dialect

CLOUD_TOKENS = 128_000
LOCAL_TOKENS = 8_192
"""Servers on a person's computer load short contexts and drop what does not fit without a word."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A service or a kind of server. `model` is what it is asked for where only its key is there; "" is none."""

    name: str
    title: str
    base_url: str = ""
    key_variables: tuple[str, ...] = ()
    model: str = ""
    needs_key: bool = True
    context_tokens: int = CLOUD_TOKENS
    dialect: Dialect = field(default_factory=Dialect)
    through: Literal["chat completions", "pydantic-ai"] = "chat completions"
    """How it is spoken to: over a wire that many share, or its own, which an extra's library knows."""

    @property
    def base_url_variable(self) -> str:
        """The environment variable that replaces its base URL."""
        return f"{self.name.upper()}_BASE_URL"

    def url(self, environment: Mapping[str, str]) -> str:
        """The base URL that somebody set for it, else its own, without a slash at the end; "" where there is none."""
        return (environment.get(self.base_url_variable, "").strip() or self.base_url).rstrip("/")

    def address(self, environment: Mapping[str, str]) -> str:
        """Its base URL; "" where its library knows one. `AgentFailed` where it has none, or none that can be one."""
        url = self.url(environment)
        if not url and self.through == "pydantic-ai":
            return ""
        if not url:
            raise AgentFailed("unreachable", f"{self.title} has no address yet: set {self.base_url_variable}.")
        if not is_web_address(url):
            raise AgentFailed("unreachable", f"{self.base_url_variable} must be an http or https address with a host.")
        return url

    def has_window(self, environment: Mapping[str, str]) -> bool:
        """Whether somebody has said how much its models read."""
        return self.window(environment) != self.context_tokens

    def window(self, environment: Mapping[str, str]) -> int:
        """How many tokens its models are taken to read."""
        given = environment.get(f"{self.name.upper()}_CONTEXT_TOKENS", "")
        return int(given) if given.isdecimal() and int(given) > 0 else self.context_tokens


def _cloud(name: str, title: str, base_url: str, model: str, *keys: str, dialect: Dialect | None = None) -> Provider:
    return Provider(name, title, base_url, keys, model, dialect=dialect or Dialect())


def _native(name: str, title: str, base_url: str, model: str, tokens: int, *keys: str, needs_key: bool) -> Provider:
    dialect = Dialect(carries_state=True)
    return Provider(name, title, base_url, keys, model, needs_key, tokens, dialect, "pydantic-ai")


def _local(name: str, title: str, port: int, path: str = "/v1") -> Provider:
    address = f"http://127.0.0.1:{port}{path}"
    return Provider(name, title, address, (f"{name.upper()}_API_KEY",), needs_key=False, context_tokens=LOCAL_TOKENS)


_UNSIGNED = {"extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}}}
"""What Google documents for calls whose signature is not at hand: newer Gemini models refuse calls without one."""

_TABLE = (
    _cloud("openai", "OpenAI", "https://api.openai.com/v1", "gpt-4.1-mini", "OPENAI_API_KEY"),
    _native(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com",
        "claude-sonnet-4-5",
        200_000,
        "ANTHROPIC_API_KEY",
        needs_key=True,
    ),
    _cloud(
        "gemini",
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "gemini-2.5-flash",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        dialect=Dialect(call_extras=_UNSIGNED),
    ),
    _cloud(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        "mistral-medium-latest",
        "MISTRAL_API_KEY",
        dialect=Dialect(has_short_call_ids=True, sees_results=False),
    ),
    _cloud("groq", "Groq", "https://api.groq.com/openai/v1", "openai/gpt-oss-120b", "GROQ_API_KEY"),
    _cloud("openrouter", "OpenRouter", "https://openrouter.ai/api/v1", "openrouter/auto", "OPENROUTER_API_KEY"),
    _cloud(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/v1",
        "deepseek-chat",
        "DEEPSEEK_API_KEY",
        dialect=Dialect(returns_reasoning=True),
    ),
    _cloud("xai", "xAI", "https://api.x.ai/v1", "grok-4", "XAI_API_KEY"),
    _cloud("azure", "Azure OpenAI", "", "", "AZURE_OPENAI_API_KEY", "AZURE_API_KEY"),
    _native(
        "google",
        "Google",
        "https://generativelanguage.googleapis.com",
        "gemini-2.5-flash",
        1_000_000,
        "GOOGLE_API_KEY",
        "GEMINI_API_KEY",
        needs_key=True,
    ),
    _native("bedrock", "Amazon Bedrock", "", "", 200_000, "AWS_BEARER_TOKEN_BEDROCK", needs_key=False),
    _native("cohere", "Cohere", "https://api.cohere.com", "", CLOUD_TOKENS, "CO_API_KEY", needs_key=True),
    _local("ollama", "Ollama", 11434),
    _local("lmstudio", "LM Studio", 1234),
    _local("llamacpp", "llama.cpp", 8080),
    _local("vllm", "vLLM", 8000),
    _local("jan", "Jan", 1337),
    _local("sglang", "SGLang", 30000),
    _local("litellm", "LiteLLM", 4000),
    _local("docker", "Docker Model Runner", 12434, "/engines/v1"),
    _local("koboldcpp", "KoboldCpp", 5001),
    Provider("custom", "the custom server", "", ("CUSTOM_API_KEY",), needs_key=False, context_tokens=32_768),
)
PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in _TABLE}


@dataclass(frozen=True, slots=True)
class ModelId:
    """A provider of the table and its own name for the model."""

    provider: Provider
    model: str

    def __str__(self) -> str:
        return f"{self.provider.name}:{self.model}"


def parse_model_id(text: str) -> ModelId | None:
    """`provider:model`, or `None` where it does not begin with a provider of the table or names no model."""
    name, _, model = text.partition(":")
    provider = PROVIDERS.get(name)
    return ModelId(provider, model.strip()) if provider and model.strip() else None


def label_of(model_id: ModelId, environment: Mapping[str, str]) -> str:
    """What the chip says: "gpt-4.1-mini via OpenAI", "llama3.2 via Ollama on this computer"."""
    provider = model_id.provider
    where = provider.title
    url = provider.url(environment)
    if is_loopback(url):
        where = f"{provider.title} on this computer"
    elif url != provider.base_url and is_web_address(url):
        where = f"{provider.title} at {host_of(url)}"
    return f"{model_id.model} via {where}"


def is_web_address(url: str) -> bool:
    """Whether it is an http or https URL with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The URL's host with its port: what may be shown, since the rest can hold a password or a key."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""


def is_loopback(url: str) -> bool:
    """Whether the URL leads to this computer and nowhere else."""
    if not is_web_address(url):
        return False
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
