"""Starts JupyterLab by the command in the arguments behind the first two, and visits it as Binder's visitors do.

    visit.py ADDRESS PICTURE become-the-user …

Run where there is no network: the loopback interface is brought up here.
"""

from __future__ import annotations

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

PORT, TOKEN = 8888, "visit"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def wait_for(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api", timeout=2).close()
            return
        except OSError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)


def visit(page: Page, address: str, picture: Path) -> None:
    page.goto(f"http://127.0.0.1:{PORT}/{address}?token={TOKEN}")
    expect(page.locator(".jp-NotebookPanel").first).to_be_visible(timeout=60_000)
    chat = page.locator("#jupyter-chat-sessions")
    composer = chat.get_by_role("textbox", name="Message", exact=True)
    expect(composer).to_be_visible(timeout=30_000)  # nothing has been clicked
    composer.fill("import matplotlib.pyplot as plt; _ = plt.plot([1, 4, 9]); print(2 * 21)")
    composer.press("Enter")
    log = chat.get_by_role("log", name="Conversation")
    expect(log).to_contain_text("42", timeout=60_000)
    expect(log.locator("img").first).to_be_visible(timeout=30_000)
    expect(page.locator(".jp-Notification-Toast, .Toastify__toast")).to_have_count(0)
    picture.parent.mkdir(exist_ok=True)
    page.screenshot(path=picture)


def main(address: str, picture: str, *become: str) -> None:
    bring_loopback_up()
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={PORT}", "--ServerApp.port_retries=0"]
    command = [*become, "jupyter", "lab", *options, f"--IdentityProvider.token={TOKEN}"]
    server = subprocess.Popen(command)
    try:
        wait_for(server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            visit(browser.new_page(viewport={"width": 1300, "height": 860}), address, Path(picture))
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
    print("There is a notebook with a chat that answers.")


if __name__ == "__main__":
    main(*sys.argv[1:])
