"""What Binder builds and a visitor sees: a fresh environment, made and used by an ordinary user, without a network."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = "jupyter_chat_sessions/labextension"
NEEDED = ("useradd", "userdel", "setpriv", "unshare", "mount", "chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, NEEDED)),
        reason="only root can make a user and a place without a network, and Chromium must be there",
    ),
]


@pytest.fixture
def place(user: str) -> Iterator[Path]:
    """The user's home, with a checkout in it and what has been built of the front end."""
    with tempfile.TemporaryDirectory(prefix="jcs-binder-", dir="/var/tmp") as name:
        place = Path(name)
        listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        built = [str(path.relative_to(ROOT)) for path in (ROOT / BUILT).rglob("*")]
        for each in [*filter(None, names), *built]:
            if (ROOT / each).is_file():
                (place / "checkout" / each).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / each, place / "checkout" / each)
        subprocess.run(["chown", "-R", user, name], check=True)
        place.chmod(0o755)
        yield place


@pytest.fixture
def python() -> str:
    """A Python that any user may run and make environments with; that of the tests may lie in somebody's home."""
    found = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if found is None or subprocess.run([found, "-c", "import ensurepip, ssl, venv"], capture_output=True).returncode:
        pytest.skip("the system has no python3 that makes environments (Debian: apt-get install python3-venv)")
    return found


def test_a_visitor_sees_a_notebook_with_a_chat_that_answers(user: str, place: Path, python: str) -> None:
    address = re.findall(r"urlpath=(\S+?)[`)]", (ROOT / "binder" / "README.md").read_text())
    assert len(address) == 2
    assert len(set(address)) == 1
    become = (
        f"setpriv --reuid {user} --regid {user} --init-groups --inh-caps=-all --bounding-set=-all env -i HOME={place}"
    )
    path = f"PATH={place}/env/bin:/usr/local/bin:/usr/bin:/bin"
    build = f"cd {place}/checkout && {python} -m venv {place}/env && {path} bash binder/postBuild"
    visit = [sys.executable, Path(__file__).with_name("visit.py"), address[0], ROOT / "test-results" / "binder.png"]
    begin = f"{become} sh -c {shlex.quote(build)} && exec unshare --net {shlex.join(map(str, visit))} {become} {path}"
    done = subprocess.run(
        ["sh", "-c", begin], cwd=place / "checkout", capture_output=True, text=True, timeout=280, check=False
    )
    print(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "a chat that answers" in done.stdout
