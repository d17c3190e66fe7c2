"""How much a model can read, where its server tells: none of them has to.

A model server on this computer may have loaded less than the model could hold, and many drop what does not fit without
a word: each kind tells what it has loaded in a place of its own, and is asked without a key. Others may say in their
list of models what each can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..keys import Key
from ..web import told

_ANSWER_S = 1.0
_LONGEST_ANSWER = 8 * 2**20
_FEWEST = 512

Find = Callable[[Any, str], Any]


def _of_ollama(told: Any, model: str) -> Any:
    return next((each["context_length"] for each in told["models"] if model in (each["name"], each["model"])), None)


def _of_lmstudio(told: Any, model: str) -> Any:
    return next((each["loaded_context_length"] for each in told["data"] if each["id"] == model), None)


def _of_llamacpp(told: Any, model: str) -> Any:
    return told["default_generation_settings"]["n_ctx"]


def _of_vllm(told: Any, model: str) -> Any:
    return next((each["max_model_len"] for each in told["data"] if each["id"] == model), None)


_PLACES: Mapping[str, tuple[str, Find]] = {
    "ollama": ("/api/ps", _of_ollama),
    "lmstudio": ("/api/v0/models", _of_lmstudio),
    "llamacpp": ("/props", _of_llamacpp),
    "vllm": ("/v1/models", _of_vllm),
    "sglang": ("/v1/models", _of_vllm),
}


_LISTED_AS = ("context_length", "context_window", "max_context_length", "max_model_len", "max_input_tokens")
"""What lists of models call it: OpenRouter, Groq, Mistral, vLLM, gateways."""


def tells_loaded(provider: str) -> bool:
    """Whether servers of that kind have a place where they tell what they have loaded."""
    return provider in _PLACES


async def loaded_tokens(base_url: str, provider: str, model: str) -> int | None:
    """The tokens the server has room for with this model; `None` where it does not say."""
    if not tells_loaded(provider):
        return None
    path, find = _PLACES[provider]
    return await _told(f"{base_url.removesuffix('/v1')}{path}", {}, lambda told: find(told, model))


async def listed_tokens(base_url: str, model: str, key: Key | None) -> int | None:
    """The tokens the server's list of models says that this one can hold; `None` where it does not say."""
    headers = {"authorization": f"Bearer {key.reveal()}"} if key is not None else {}
    return await _told(f"{base_url}/models", headers, lambda told: _in_list(told, model))


def _in_list(told: Any, model: str) -> Any:
    row: Mapping[str, Any] = next((each for each in told["data"] if each["id"] == model), {})
    return next((row[name] for name in _LISTED_AS if isinstance(row.get(name), int)), None)


async def _told(url: str, headers: Mapping[str, str], find: Callable[[Any], Any]) -> int | None:
    answer = await told(url, headers, within_s=_ANSWER_S, most_bytes=_LONGEST_ANSWER)
    try:
        tokens = find(answer)
    except (ValueError, KeyError, TypeError, AttributeError):  # it is told in no shape known here
        return None
    return tokens if isinstance(tokens, int) and tokens >= _FEWEST else None
