"""A server extension that does nothing: what loading any extension costs."""

from __future__ import annotations

from typing import Any

from jupyter_server.extension.application import ExtensionApp


class EmptyExtension(ExtensionApp):
    """No settings, no doors."""

    name = "empty_extension"
    load_other_extensions = True


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": __name__, "app": EmptyExtension}]
