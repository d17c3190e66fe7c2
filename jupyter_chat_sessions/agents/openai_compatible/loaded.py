"""How much a model server on this computer has loaded to read: what does not fit, many drop without a word.

Each kind of server tells it in a place of its own; none of them has to. Asked only of this computer, without a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

_ANSWER_S = 1.0
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


async def loaded_tokens(client: httpx.AsyncClient, base_url: str, provider: str, model: str) -> int | None:
    """The tokens the server has room for with this model; `None` where it does not say."""
    import httpx

    place = _PLACES.get(provider)
    if place is None:
        return None
    path, find = place
    try:
        answer = await client.get(f"{base_url.removesuffix('/v1')}{path}", timeout=httpx.Timeout(_ANSWER_S))
        tokens = find(answer.json(), model) if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError):
        return None
    return tokens if isinstance(tokens, int) and tokens >= _FEWEST else None
