"""What is said in the documentation's pictures: two answers with tools that really run, and words for all else."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from jupyter_chat_sessions.core.roles import AgentEvent, Author, Done, Request, TextDelta, ToolCallDelta, Usage
from jupyter_chat_sessions.core.transcript import text_of

PLOT = """import pandas as pd, matplotlib.pyplot as plt
from pathlib import Path

file = next(Path().rglob("temperatures.csv"))
table = pd.read_csv(file, index_col="month")
table.plot(figsize=(6.4, 2.1), ylabel="°C", marker="o", xlabel="")
plt.show()"""
FOUND = """**July 2024** was the warmest month, at 21.4 °C. Against 2023, summer came three weeks earlier:

| | 2023 | 2024 |
|---|---:|---:|
| warmest month | 19.8 °C | **21.4 °C** |
| mean of the year | 10.9 °C | 11.7 °C |"""
CLEAN = """from pathlib import Path
import time

month = 30 * 24 * 3600
for log in Path("logs").glob("*.log"):
    if time.time() - log.stat().st_mtime > month:
        log.unlink()
        print("removed", log.name)"""


class Pictured:
    """A model that has learned its part."""

    id = "local"
    label = "A local model"
    author: Author = "model"

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        newest = request.messages[-1]
        asked = next(text_of(each) for each in reversed(request.messages) if each["role"] == "user")
        if newest["role"] == "tool":
            yield TextDelta(FOUND if "warmest" in asked else "Done.")
            yield Usage(5200, 310)
        elif "warmest" in asked:
            yield TextDelta("Both years in one plot:")
            yield ToolCallDelta(0, "call_plot", "run_python", json.dumps({"code": PLOT}))
            yield Done("tool_calls")
        elif "logs" in asked:
            yield TextDelta("There are logs older than 30 days in this folder. I would remove them like this:")
            yield ToolCallDelta(0, "call_clean", "run_python", json.dumps({"code": CLEAN}))
            yield Done("tool_calls")
        elif "stations" in asked:
            yield TextDelta("Two of twelve: Hohenfels in March 2023, and Seebach since last August.")
        elif "March" in asked:
            yield TextDelta("Done: 14 readings were impossible, and are empty now.")
        else:
            yield TextDelta(self.words)
            yield Usage(900, 120)

    words = (
        "Use a **median**: it does not follow single wrong readings, as the mean does.\n\n"
        '```python\nclean = raw.rolling("7D").median()\n```\n\n'
        "A window of seven days keeps the seasons and drops the spikes."
    )


class Other(Pictured):
    """Another one, for a comparison."""

    id = "larger"
    label = "A larger model"
    words = (
        "Two steps, in this order:\n\n1. Mark what cannot be: below -40 °C or above 50 °C.\n"
        "2. Fill gaps of up to three hours by **interpolation**; leave longer ones empty.\n\n"
        "```python\nimpossible = (raw < -40) | (raw > 50)\nclean = raw.mask(impossible).interpolate(limit=3)\n```\n\n"
        "A rolling median would also flatten real cold snaps."
    )
