"""What the built front end weighs, and whose code it brings."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[1] / "jupyter_chat_sessions" / "labextension" / "static"
MOST_KB = 250


def test_the_extension_is_under_250_kb_as_it_is_sent() -> None:
    scripts = list(STATIC.glob("*.js"))
    if not any(each.name.startswith("remoteEntry") for each in scripts):
        pytest.skip("the front end is not built (jlpm build:prod in labextension/)")
    sent = sum(len(gzip.compress(each.read_bytes())) for each in scripts)
    assert sent < MOST_KB * 1000, f"{sent / 1000:.0f} kB gzipped"


def test_each_script_that_is_sent_says_whose_code_it_brings() -> None:
    if not (STATIC.parent / "share" / "shared.js").exists():
        pytest.skip("the front end is not built (jlpm build:prod in labextension/)")
    for folder in (STATIC, STATIC.parent / "share"):
        packages = json.loads((folder / "third-party-licenses.json").read_text())["packages"]
        assert {"react", "marked", "partysocket"} <= {each["name"] for each in packages}
        assert all(each["licenseId"] in ("MIT", "BSD-3-Clause", "ISC", "Apache-2.0") for each in packages), folder
