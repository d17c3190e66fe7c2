"""What a tool makes never runs: not in the page that shows it, not in a tab that opens it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import TOKEN, Lab, open_chat, open_lab
from playwright.sync_api import Error, Page, Response, Route, expect

RUN = "window.ranHere=1;fetch('/api/contents?beacon',{credentials:'include'})"
SCRIPT = f"<script>{RUN}</script>"
MADE = {
    "x.html": f'<title>html</title>{SCRIPT}<img src=/nothing onerror="{RUN}"><iframe src="javascript:{RUN}"></iframe>',
    "x.htm": f'<body onload="{RUN}"><meta http-equiv=refresh content="0;url=javascript:{RUN}">',
    "x.xhtml": f"<html xmlns='http://www.w3.org/1999/xhtml'><body><script>{RUN}</script></body></html>",
    "x.svg": f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RUN}\"><script>{RUN}</script></svg>",
    "x.xml": f"<?xml version='1.0'?><a><b xmlns='http://www.w3.org/1999/xhtml'><script>{RUN}</script></b></a>",
    "x.pdf": f"%PDF-1.4\n{SCRIPT}",
    "x.js": RUN,
    "x.mjs": RUN,
    "x.json": f'{{"a": "{SCRIPT}"}}',
    "x.txt": f"<html>{SCRIPT}",
    "x.png": f"<html>{SCRIPT}",
    "none": f"<html>{SCRIPT}",
}
"""Files that would run if a browser took them for what they say, or could be made to."""
TYPES = {
    "x.html": "text/html", "x.htm": "text/html", "x.xhtml": "application/xhtml+xml", "x.svg": "image/svg+xml",
    "x.xml": "text/xml", "x.pdf": "text/html", "none": "text/html",
}  # fmt: skip

SHOWN = """
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
run = {run!r}
script, javascript = f'<script>{{run}}</script>', f'javascript:{{run}}'
display(HTML(f'<b>shown</b>{{script}}<img src=/nothing onerror="{{run}}"><svg onload="{{run}}"></svg>'))
display(HTML(f'<iframe srcdoc="{{script}}"></iframe><iframe src="{{javascript}}"></iframe>'))
display(HTML(f'<a href="{{javascript}}">click me</a><form action="{{javascript}}"><button>go</button></form>'))
display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg" onload="{{run}}">{{script}}<rect width="9" height="9"/></svg>'))
display(Javascript(run))
display(Markdown(f'[click me]({{javascript}}) {{script}} <img src=/nothing onerror="{{run}}">'))
display({{'application/vnd.jupyter.widget-view+json': {{'model_id': 'x'}}, 'text/html': script}}, raw=True)
display({{'image/svg+xml': f'<svg onload="{{run}}"/>', 'application/xhtml+xml': script}}, raw=True)
print(script)
import os
for name, content in {made!r}.items():
    open(name, 'w').write(content)
"""


class Watched:
    """A browser's window over a while: whether anything of ours ran in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.beacons: list[str] = []
        page.context.on(
            "request", lambda request: self.beacons.append(request.url) if "beacon" in request.url else None
        )

    def has_run(self, page: Page) -> bool:
        frames = [frame.evaluate("() => window.ranHere === 1") for frame in page.frames]
        return any(frames) or bool(self.beacons)


def test_what_a_tool_shows_never_runs_in_the_page(lab: Lab, page: Page) -> None:
    watched = Watched(page)
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("```python" + SHOWN.format(run=RUN, made=MADE) + "```")
    chat.is_done()
    chat.shows("shown")
    for link in chat.log.get_by_text("click me").all():
        link.click(no_wait_after=True)
    page.wait_for_load_state("networkidle")
    page.reload()
    chat = open_chat(page)
    chat.shows("shown")
    page.wait_for_load_state("networkidle")
    assert not watched.has_run(page)
    strip = chat.place.get_by_role("region", name="Files of this chat")
    expect(strip).to_contain_text(f"{len(MADE) + 2} files")  # the two pictures are files as well


@pytest.fixture
def made(lab: Lab, page: Page) -> dict[str, str]:
    """The address of each file, in a browser that is logged in."""
    page.goto(f"{lab.url}/api/status?token={TOKEN}")
    thread_id = "3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c"
    api = page.request
    headers = {"Authorization": f"token {TOKEN}"}
    addresses = {}
    for name, content in MADE.items():
        put = api.put(
            f"{lab.url}/chat-sessions/threads/{thread_id}/files/{name}", data=content.encode(), headers=headers
        )
        assert put.status == 201
        addresses[name] = lab.url + put.json()["url"]
    return addresses


def opened(page: Page, address: str) -> Response | None:
    """Opens an address in the tab. `None`: the browser saved it instead."""
    try:
        return page.goto(address, wait_until="networkidle")
    except Error as error:
        if "Download is starting" in error.message or "ERR_ABORTED" in error.message:
            return None
        raise


def test_what_a_tool_made_never_runs_in_a_tab_that_opens_it(page: Page, made: dict[str, str]) -> None:
    watched = Watched(page)
    for name, address in made.items():
        answered = opened(page, address)
        assert (answered is not None) == (name in ("x.txt", "x.png")), name
        assert not watched.has_run(page), name


def test_what_a_tool_made_never_runs_where_another_page_embeds_it(page: Page, made: dict[str, str], lab: Lab) -> None:
    watched = Watched(page)
    tags = "".join(
        f"<iframe src='{at}'></iframe><embed src='{at}'><object data='{at}'></object><img src='{at}'>"
        for at in made.values()
    )
    page.route("**/embedding", lambda route: route.fulfill(body=f"<title>e</title>{tags}", content_type="text/html"))
    opened(page, f"{lab.url}/embedding")
    assert not watched.has_run(page)
    script = made["x.js"]
    body = f"<title>s</title><script src='{script}'></script><script type=module src='{made['x.mjs']}'></script>"
    page.route("**/including", lambda route: route.fulfill(body=body, content_type="text/html"))
    opened(page, f"{lab.url}/including")
    assert not watched.has_run(page)


@contextmanager
def served_as(page: Page, media_type: str, *, keeps_policy: bool) -> Iterator[None]:
    """A server that had been wrong about the type and the disposition of its files."""

    def answer(route: Route) -> None:
        response = route.fetch()
        headers = {name: value for name, value in response.headers.items() if name != "content-disposition"}
        headers["content-type"] = media_type
        if not keeps_policy:
            headers.pop("content-security-policy")
        route.fulfill(response=response, headers=headers)

    page.route(re.compile("/files/"), answer)
    yield
    page.unroute(re.compile("/files/"))


@pytest.mark.parametrize("keeps_policy", [True, False], ids=["with its policy", "without"])
def test_the_policy_alone_keeps_a_document_from_running(page: Page, made: dict[str, str], keeps_policy: bool) -> None:
    ran = []
    for name, media_type in TYPES.items():
        watched = Watched(page)
        with served_as(page, media_type, keeps_policy=keeps_policy):
            assert opened(page, made[name]) is not None
            page.wait_for_load_state("networkidle")
            if watched.beacons:  # a document whose scripts are off answers no question
                ran.append(name)
    assert ran == ([] if keeps_policy else list(TYPES)), json.dumps(ran)
