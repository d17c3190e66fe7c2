"""The same kills for jupyterlab_chat's default (websocket) model, driven as jupyter-ai's personas drive it.

    PEER_PYTHON -m tests.faults.peer_jupyterlab_chat [--kills 30] [--history 100]

Run it with an interpreter that has jupyterlab-chat 0.25.3. A process of its own adds messages and streams answers at
100 pieces a second with `update_message(append=True)`; it says what it has acknowledged and is killed at a random
moment; then the file is loaded as its server would. Prints how often everything acknowledged was still there.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WRITER = """
import sys, time
from pathlib import Path
from jupyterlab_chat.models import Message, NewMessage
from jupyterlab_chat.websocket_model import WsChatModel

model = WsChatModel("a.chat", Path(sys.argv[1]))
model.load_from_file()
print("ready", flush=True)
while True:
    asked = model.add_message(NewMessage(body="question", sender="me"))
    print(asked, flush=True)
    answer = model.add_message(NewMessage(body="", sender="bot"))
    for word in range(50):
        update = Message(id=answer, body=f"{word} ", time=time.time(), sender="bot", raw_time=False)
        model.update_message(update, append=True)
        time.sleep(0.01)
    print(answer, flush=True)
"""


def _loaded(folder: Path) -> set[str]:
    """The ids of the messages that are there for the next server: none where the file cannot be read."""
    try:
        return {message["id"] for message in json.loads((folder / "a.chat").read_text())["messages"]}
    except (OSError, ValueError):
        return set()


def _kill_once(folder: Path, dice: random.Random) -> set[str]:
    """What was acknowledged by the time of the kill."""
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(dice.uniform(0.02, 2.0))
        process.send_signal(signal.SIGKILL)
        return set(process.stdout.read().split())


def main() -> None:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--history", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    dice, intact = random.Random(wanted.seed), 0
    for _ in range(wanted.kills):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            old = [{"id": f"m{n}", "body": "w" * 405, "time": 1.0, "sender": "me"} for n in range(wanted.history)]
            (folder / "a.chat").write_text(
                json.dumps({"messages": old, "users": {}, "attachments": {}, "metadata": {}})
            )
            promised = {each["id"] for each in old} | _kill_once(folder, dice)
            intact += promised <= _loaded(folder)
    print(json.dumps({"kills": wanted.kills, "history": wanted.history, "intact": intact}))


if __name__ == "__main__":
    main()
