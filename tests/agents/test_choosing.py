"""Model ids, keys, and who answers where nobody was named."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from jupyter_chat_sessions.agents.choose import DIRECT_LABEL, Choice, choose
from jupyter_chat_sessions.agents.detect import LocalServer
from jupyter_chat_sessions.agents.keys import Key, Keys
from jupyter_chat_sessions.agents.openai_compatible import OpenAICompatible
from jupyter_chat_sessions.agents.providers import PROVIDERS, is_loopback, is_web_address, label_of, parse_model_id
from jupyter_chat_sessions.agents.registry import load_agent
from jupyter_chat_sessions.core.errors import AgentFailed, ChatError, Malformed, NotFound

SECRET = "sk-secret-0123456789"
OLLAMA = LocalServer(PROVIDERS["ollama"], ("llama3.2:3b", "qwen3"), is_trusted=True)
ANOTHERS = LocalServer(PROVIDERS["vllm"], ("qwen3",), is_trusted=False)


# --- model ids -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "provider", "model"),
    [
        ("openai:gpt-4.1-mini", "openai", "gpt-4.1-mini"),
        ("ollama:llama3.2:3b", "ollama", "llama3.2:3b"),
        ("openrouter:google/gemini-2.5-flash:free", "openrouter", "google/gemini-2.5-flash:free"),
        ("custom: my model ", "custom", "my model"),
    ],
)
def test_a_model_id_is_split_at_its_first_colon(text: str, provider: str, model: str) -> None:
    model_id = parse_model_id(text)
    assert model_id is not None
    assert (model_id.provider.name, model_id.model) == (provider, model)


@pytest.mark.parametrize("text", ["", "direct", "gpt-4.1-mini", "openai:", "openai: ", "nobody:m", "OpenAI:m"])
def test_what_names_no_provider_or_no_model_is_no_model_id(text: str) -> None:
    assert parse_model_id(text) is None


@pytest.mark.parametrize(
    ("text", "environment", "label"),
    [
        ("openai:gpt-4.1-mini", {}, "gpt-4.1-mini via OpenAI"),
        ("ollama:llama3.2", {}, "llama3.2 via Ollama on this computer"),
        ("ollama:llama3.2", {"OLLAMA_BASE_URL": "http://gpu:11434/v1"}, "llama3.2 via Ollama at gpu:11434"),
        ("openai:m", {"OPENAI_BASE_URL": "https://u:p@proxy.example/v1"}, "m via OpenAI at proxy.example"),
        ("custom:m", {"CUSTOM_BASE_URL": "http://localhost:9000/v1"}, "m via the custom server on this computer"),
        ("openai:m", {"OPENAI_BASE_URL": " "}, "m via OpenAI"),
        ("openai:m", {"OPENAI_BASE_URL": "http://[::1/v1"}, "m via OpenAI"),
        ("anthropic:m", {"ANTHROPIC_BASE_URL": "http://x:99999"}, "m via Anthropic"),
    ],
)
def test_the_chip_says_what_answers_and_where(text: str, environment: dict[str, str], label: str) -> None:
    model_id = parse_model_id(text)
    assert model_id is not None
    assert label_of(model_id, environment) == label


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://localhost.example.org", False),
        ("http://0.0.0.0:1", False),
        ("http://10.0.0.1", False),
        ("https://api.openai.com/v1", False),
        ("file:///etc/passwd", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_what_leads_to_this_computer_is_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_every_provider_has_an_address_and_a_name_for_its_key_or_says_what_to_set() -> None:
    for name, provider in PROVIDERS.items():
        assert name == provider.name
        assert provider.key_variables
        if provider.base_url:
            assert is_web_address(provider.base_url)
            assert is_loopback(provider.base_url) != provider.needs_key
        elif provider.through == "pydantic-ai":
            assert provider.address({}) == "", "its library knows where"
        else:
            with pytest.raises(AgentFailed, match=f"{name.upper()}_BASE_URL"):
                provider.address({})
    with pytest.raises(AgentFailed, match="OPENAI_BASE_URL"):
        PROVIDERS["openai"].address({"OPENAI_BASE_URL": "ftp://x"})


# --- keys ------------------------------------------------------------------------------------------------------------

OPENAI = PROVIDERS["openai"]


def shown(key: Key | None) -> str | None:
    return key and key.reveal()


def test_a_key_comes_from_memory_then_a_variable_then_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file\n")
    environment = {"OPENAI_API_KEY_FILE": str(file)}
    keys = Keys(environment)
    assert (shown(keys.of(OPENAI)), keys.source(OPENAI)) == ("sk-file", "file")
    environment["OPENAI_API_KEY"] = " sk-variable "
    assert (shown(keys.of(OPENAI)), keys.source(OPENAI)) == ("sk-variable", "environment")
    keys.hold("openai", "sk-typed\n")
    assert (shown(keys.of(OPENAI)), keys.source(OPENAI)) == ("sk-typed", "memory")
    keys.forget("openai")
    assert shown(keys.of(OPENAI)) == "sk-variable"
    assert keys.providers() == ("openai",)
    assert Keys({}).of(OPENAI) is None


def test_a_key_is_never_shown_written_down_or_told_in_an_error(tmp_path: Path) -> None:
    key, keys = Key(SECRET), Keys({"OPENAI_API_KEY": SECRET})
    keys.hold("mistral", SECRET)
    agent = OpenAICompatible(parse_model_id("openai:m"), keys)  # type: ignore[arg-type]
    for each in (key, keys, agent, [key], {"key": key}):
        assert "secret" not in f"{each} {each!r}"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        json.dumps(key)
    bad = tmp_path / "bad"
    bad.write_text("sk-secret with spaces")
    refusals: list[ChatError] = []
    for refuse in (
        lambda: keys.hold("openai", "sk-secret with spaces"),
        lambda: keys.hold("openai", "sk-secret\u2026"),
        lambda: keys.hold("openai", ""),
        lambda: keys.hold("nobody", SECRET),
        lambda: Keys({"OPENAI_API_KEY": "sk-secret\u2026"}).of(OPENAI),
        lambda: Keys({"OPENAI_API_KEY_FILE": str(bad)}).of(OPENAI),
        lambda: Keys({"OPENAI_API_KEY_FILE": str(tmp_path / "none")}).of(OPENAI),
    ):
        with pytest.raises((AgentFailed, Malformed)) as caught:
            refuse()
        refusals.append(caught.value)
    assert not any("secret" in f"{refusal!r}" for refusal in refusals)


# --- who answers -----------------------------------------------------------------------------------------------------

KEYED = ("mistral", "ollama", "openai")
CHOICES: list[tuple[dict[str, Any], Choice]] = [
    ({}, Choice("direct", DIRECT_LABEL, "nothing else")),
    ({"found": [ANOTHERS]}, Choice("direct", DIRECT_LABEL, "nothing else")),
    (
        {"found": [ANOTHERS, OLLAMA]},
        Choice("ollama:llama3.2:3b", "llama3.2:3b via Ollama on this computer", "found"),
    ),
    (
        {"keyed": KEYED, "found": [OLLAMA]},
        Choice("mistral:mistral-medium-latest", "mistral-medium-latest via Mistral", "key"),
    ),
    ({"keyed": ["ollama", "azure"]}, Choice("direct", DIRECT_LABEL, "nothing else")),
    (
        {"environment": {"JUPYTER_CHAT_MODEL": "groq:m"}, "keyed": KEYED},
        Choice("groq:m", "m via Groq", "environment"),
    ),
    (
        {"setting": "openai:gpt-4.1-mini", "environment": {"JUPYTER_CHAT_MODEL": "groq:m"}, "keyed": KEYED},
        Choice("openai:gpt-4.1-mini", "gpt-4.1-mini via OpenAI", "setting"),
    ),
    ({"asked": "direct", "setting": "openai:m", "keyed": KEYED}, Choice("direct", DIRECT_LABEL, "asked")),
    ({"asked": "their-agent", "setting": ""}, Choice("their-agent", "their-agent", "asked")),
    ({"asked": " ", "setting": "xai:m"}, Choice("xai:m", "m via xAI", "setting")),
]


@pytest.mark.parametrize(("given", "expected"), CHOICES)
def test_one_order_says_who_answers(given: dict[str, Any], expected: Choice) -> None:
    given = {"asked": None, "setting": None, "environment": {}, **given}
    assert choose(**given) == expected


def test_the_label_of_direct_mode_is_its_own() -> None:
    assert load_agent("direct").label == DIRECT_LABEL


def test_every_provider_that_a_key_chooses_can_be_loaded() -> None:
    for name, provider in PROVIDERS.items():
        choice = choose(None, None, {}, keyed=[name])
        assert choice.id == (f"{name}:{provider.model}" if provider.model else "direct")


# --- loading ---------------------------------------------------------------------------------------------------------


def test_a_model_of_the_table_is_loaded_by_its_id() -> None:
    agent = load_agent("openai:gpt-4.1-mini", Keys({"OPENAI_API_KEY": SECRET}))
    assert isinstance(agent, OpenAICompatible)
    assert (agent.id, agent.label, agent.author) == ("openai:gpt-4.1-mini", "gpt-4.1-mini via OpenAI", "model")


def test_a_provider_without_an_address_is_refused_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_BASE_URL", raising=False)
    with pytest.raises(AgentFailed, match="AZURE_BASE_URL"):
        load_agent("azure:gpt-4.1")
    monkeypatch.setenv("AZURE_BASE_URL", "https://mine.openai.azure.com/openai/v1/")
    assert load_agent("azure:gpt-4.1").label == "gpt-4.1 via Azure OpenAI at mine.openai.azure.com"


def test_an_installed_package_may_bring_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "class Model:\n    def __init__(self, model=None):\n        self.id = model\n"
    (tmp_path / "provider_of_a_test.py").write_text(module)
    info = tmp_path / "provider_of_a_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: provider-of-a-test\nVersion: 1.0\n")
    points = "\n".join(f"{name} = provider_of_a_test:Model" for name in ("theirs", "openai"))
    (info / "entry_points.txt").write_text(f"[jupyter_chat_sessions.agents]\n{points}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_agent("theirs:big:1").id == "big:1"
    assert isinstance(load_agent("openai:m"), OpenAICompatible)
    for name in ("nobody:m", "direct:m", ":m", "theirs:"):
        with pytest.raises(NotFound, match="provider:model"):
            load_agent(name)


def test_looking_at_ids_imports_no_http_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from jupyter_chat_sessions.agents.registry import load_agent; load_agent('openai:m');"
        "from jupyter_chat_sessions.agents import choose, detect; sys.exit('aiohttp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}).returncode == 0
