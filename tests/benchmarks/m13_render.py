"""M13: the chat as JupyterLab shows it in Chromium, beside plain whole-message rendering in the same page.

Ours is a thread in the main area. Plain rendering has every message whole in the page, by JupyterLab's renderer, and
a growing answer rendered whole again at each animation frame in which it grew (render_page.js). A thread is settled
once its last message is painted and for 250 ms nothing changed, moved or took long; the moment said is where that
quiet begins. Frames are those of `requestAnimationFrame`; busy is the main thread's time in tasks, as Chromium counts.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .harness import Figure, interval
from .mixed_thread import write_thread

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
NOTEBOOK = "quickstart.ipynb"
TOKENS = 2_000
STREAMS = (
    ("200 tokens/s, mixed", "one", 35, 40),
    ("200 tokens/s, one long block of code", "code", 35, 40),
    ("200 tokens/s, one long list", "list", 35, 40),
    ("200 tokens/s in each of two panes", "two", 50, None),
)
"""What is said, under which name, and the goals: the 95th percentile of frames in ms, percent busy."""
CONFIG = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from paced_agent import Paced
c.ChatSessions.agents = {{"paced": Paced}}
c.ChatSessions.default_model = "paced"
c.ChatSessions.detect_local = False
c.LabApp.expose_app_in_browser = True
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """How a page opened threads."""

    painted: float
    """Milliseconds until the last message stood in view."""
    settled: float
    nodes: int


@dataclass(frozen=True, slots=True)
class Streamed:
    """How a page fared while answers came."""

    p95_ms: float
    busy: float
    """Percent of the time in which the main thread was in a task, waiting for a processor among it."""
    cpu: float
    """Percent of the time in which the main thread had a processor."""
    long_tasks: int


class Browser:
    """A page of a JupyterLab, and what is measured in it."""

    def __init__(self, page: Page, url: str, root: Path) -> None:
        self.page = page
        self._url = url
        self._root = root
        self._tools: CDPSession = page.context.new_cdp_session(page)
        self._tools.send("Performance.enable")
        assert page.context.browser
        self._system: CDPSession = page.context.browser.new_browser_cdp_session()

    def begins(self) -> None:
        """The page anew, with a notebook in it, at rest."""
        self.page.goto(self._url)
        self.page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
        self.page.add_script_tag(path=HERE / "render_page.js")
        self.rests()

    def rests(self) -> None:
        """Waits until nothing happens in the page any more, and its garbage is gone."""
        self._tools.send("HeapProfiler.collectGarbage")
        self.page.evaluate("m13.opening(() => {}, () => document.querySelector('#main'))")

    def writes(self, messages: int, threads: int = 1) -> list[str]:
        """New threads of so many messages each."""
        return [write_thread(self._root, NOTEBOOK, messages) for _ in range(threads)]

    def opens(self, threads: Sequence[str]) -> Opened:
        """A thread as a tab, or several in a comparison."""
        way = "open(ids[0], notebook)" if len(threads) == 1 else "compare(ids, notebook)"
        return Opened(**self.page.evaluate(f"([ids, notebook]) => m13.ours.{way}", [threads, NOTEBOOK]))

    def reads_all(self) -> None:
        """All that is older than what was opened, too."""
        self.page.evaluate("m13.ours.readAll()")
        self.rests()

    def streams(self, kind: str = "mixed") -> Streamed:
        """An answer in each thread that is open."""
        place = self.page.locator(".jcs-Main:visible")
        composer = place.get_by_role("textbox", name="Message", exact=True)
        composer.fill(f"recite {TOKENS} {kind}")
        with self._recorded() as found:
            composer.press("Enter")
            place.get_by_role("button", name="Stop", exact=True).wait_for()
            self.page.wait_for_function("() => !document.querySelector('.jcs-Main [aria-busy=true]')", timeout=300_000)
        return found[0]

    def opens_whole(self, threads: Sequence[str]) -> Opened:
        """The same messages below each other; they are at hand, so no network is in it."""
        return Opened(**self.page.evaluate("ids => m13.openWhole(ids)", threads))

    def streams_whole(self, threads: Sequence[str], kind: str = "mixed") -> Streamed:
        with self._recorded() as found:
            self.page.evaluate("given => m13.askWhole(...given)", [threads, f"recite {TOKENS} {kind}"])
        return found[0]

    def idles(self) -> Streamed:
        """Nothing for three seconds: what the machine and the recording cost."""
        with self._recorded() as found:
            self.page.wait_for_timeout(3000)
        return found[0]

    def closes(self) -> None:
        self.page.evaluate("m13.close()")
        self.rests()

    @contextmanager
    def _recorded(self) -> Iterator[list[Streamed]]:
        """What the page does within the block is in the list after it."""
        found: list[Streamed] = []
        self.page.evaluate("() => { window.stop = m13.record() }")
        before = self._busy_s(), self._cpu_s()
        yield found
        busy, cpu = self._busy_s() - before[0], self._cpu_s() - before[1]
        result: dict[str, Any] = self.page.evaluate("stop()")
        p95 = statistics.quantiles(result["frames"], n=20)[-1]
        share = 100 / result["seconds"]
        found.append(Streamed(p95, share * busy, share * cpu, len(result["longTasks"])))

    def _busy_s(self) -> float:
        metrics = self._tools.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    def _cpu_s(self) -> float:
        """The processor time of the page's main thread: of the processes that show pages, the one that has had most."""
        processes = self._system.send("SystemInfo.getProcessInfo")["processInfo"]
        return max(_main_thread_s(each["id"]) for each in processes if each["type"] == "renderer")


def _main_thread_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running() -> Iterator[Browser]:
    """Chromium on a JupyterLab in which an agent recites."""
    sys.path.append(str(HERE.parent / "browser"))
    from conftest import ARGUMENTS, CHROMIUM
    from lab_kit import TOKEN, Lab
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        lab = Lab(Path(home))
        (Path(home) / "config").mkdir()
        (Path(home) / "config" / "jupyter_server_config.py").write_text(CONFIG)
        shutil.copy(REPOSITORY / "examples" / NOTEBOOK, lab.root)
        lab.start()
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = chromium.new_page(viewport={"width": 1300, "height": 860})
            yield Browser(page, f"{lab.url}/lab/tree/{NOTEBOOK}?token={TOKEN}&reset", lab.root)
        finally:
            chromium.close()
            lab.stop()


def measure(is_quick: bool) -> list[Figure]:
    """Every way of opening and streaming, both sides, each round in a fresh page."""
    rounds = 2 if is_quick else 6
    opened: defaultdict[str, list[Opened]] = defaultdict(list)
    streamed: defaultdict[str, list[Streamed]] = defaultdict(list)
    with running() as browser:
        for number in range(rounds):
            browser.begins()
            streamed["idle"].append(browser.idles())
            opened["first"].append(browser.opens(browser.writes(1_000)))
            browser.closes()
            opened["10,000"].append(browser.opens(browser.writes(10_000)))
            browser.closes()
            for name, panes in (("one", 1), ("two", 2)):
                opened[name].append(browser.opens(browser.writes(1_000, panes)))
                browser.reads_all()
                streamed[name].append(browser.streams())
                browser.closes()
                threads = browser.writes(1_000, panes)
                opened[f"{name} whole"].append(browser.opens_whole(threads))
                streamed[f"{name} whole"].append(browser.streams_whole(threads))
                browser.closes()
            for kind in ("code", "list"):
                browser.opens(browser.writes(1_000))
                browser.reads_all()
                streamed[kind].append(browser.streams(kind))
                browser.closes()
                browser.opens_whole(threads := browser.writes(1_000))
                streamed[f"{kind} whole"].append(browser.streams_whole(threads, kind))
                browser.closes()
            if number == 0 and not is_quick:
                opened["10,000 whole"].append(browser.opens_whole(browser.writes(10_000)))
    return figures(opened, streamed)


def figures(opened: Mapping[str, Sequence[Opened]], streamed: Mapping[str, Sequence[Streamed]]) -> list[Figure]:
    """Ours, with plain rendering's beside it."""
    idle = streamed["idle"]
    control = f"an idle page: {_median(idle, 'p95_ms'):.1f} ms, {_median(idle, 'busy'):.0f} % busy"
    found = [
        _figure("opening 1,000 messages, first in its page", _all(opened["first"], "settled"), "ms", 1500, ""),
        *(
            _figure(f"opening {what} messages", _all(opened[name], "settled"), "ms", most, _sides(opened, name))
            for what, name, most in (
                ("1,000", "one", 1500),
                ("10,000", "10,000", 2000),
                ("two panes of 1,000", "two", 1500),
            )
        ),
    ]
    for what, name, p95, busy in STREAMS:
        ours, whole = streamed[name], streamed[f"{name} whole"]
        note = f"whole: {_median(whole, 'p95_ms'):.1f} ms; {control}"
        found.append(_figure(f"{what}: p95 frame", _all(ours, "p95_ms"), "ms", p95, note))
        note = f"on a processor: {_median(ours, 'cpu'):.0f} %, {_median(ours, 'long_tasks'):.0f} long tasks; whole: "
        note += f"{_median(whole, 'busy'):.0f} %, {_median(whole, 'cpu'):.0f} %, {_median(whole, 'long_tasks'):.0f}"
        found.append(_figure(f"{what}: main thread busy", _all(ours, "busy"), "%", busy, note))
    return found


def _sides(opened: Mapping[str, Sequence[Opened]], name: str) -> str:
    ours, whole = opened[name], opened.get(f"{name} whole")
    if not whole:
        return f"painted {_median(ours, 'painted'):.0f} ms, {_median(ours, 'nodes'):.0f} nodes"
    nodes = f"{_median(ours, 'nodes'):.0f} nodes against {_median(whole, 'nodes'):.0f}"
    return f"whole: {_median(whole, 'settled'):.0f} ms; painted {_median(ours, 'painted'):.0f} ms; {nodes}"


def _all(found: Sequence[object], name: str) -> list[float]:
    return [float(getattr(each, name)) for each in found]


def _median(found: Sequence[object], name: str) -> float:
    return statistics.median(_all(found, name))


def _figure(what: str, values: list[float], unit: str, most: float | None, note: str) -> Figure:
    low, high = interval(values)
    goal = f"<= {most:g} {unit}" if most else ""
    return Figure("M13", what, statistics.median(values), low, high, unit, goal, None, note)
