"""Chromium without a window and without a network, told what to do through its DevTools protocol.

Messages are JSON with a null byte at the end, on two pipes (`--remote-debugging-pipe`), so that no library is needed.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", "about:blank")
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
#: What a key is called, its number, and the text that it types.
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "ArrowDown": (40, ""), "End": (35, "")}
SECONDS = 60


class Browser:
    """One tab."""

    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp()
        to_read, self.to = os.pipe()
        self.back, from_write = os.pipe()
        # Chromium reads commands from 3 and writes answers to 4, whatever these pipes are called here.
        ends = f"exec 3<&{to_read} 4>&{from_write}; exec "
        command = [CHROMIUM, f"--user-data-dir={self.profile}", OFFLINE, *OPTIONS]
        self.process = subprocess.Popen(
            ["bash", "-c", ends + '"$@"', "bash", *command], pass_fds=(to_read, from_write), stderr=subprocess.DEVNULL
        )
        os.close(to_read)
        os.close(from_write)
        self.rest, self.number, self.session = b"", 0, None
        #: What pages wrote to the console as an error or a warning, or did not handle.
        self.complaints: list[str] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.profile, ignore_errors=True)

    def __call__(self, method: str, **parameters: object) -> dict:
        """Call a method of the protocol; return its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (said := self._read()).get("id") != self.number:
            pass
        assert "error" not in said, said
        return said["result"]

    def _read(self) -> dict:
        while b"\0" not in self.rest:
            self.rest += os.read(self.back, 1 << 16)
        message, _, self.rest = self.rest.partition(b"\0")
        said = json.loads(message)
        kind, about = said.get("method"), said.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"])[:500])
        elif (kind == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning")) or (
            kind == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning")
        ):
            self.complaints.append(json.dumps(about)[:500])
        return said

    def size(self, width: int, height: int = 900) -> None:
        """Make the window this large, in CSS pixels."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, page: Path | str, query: str = "") -> None:
        """Go to a page, and wait until it and its scripts have been loaded."""
        address = page.as_uri() if isinstance(page, Path) else page
        self("Page.navigate", url="about:blank")
        self("Page.navigate", url=address + query)
        self.wait("document.readyState == 'complete' && location.href != 'about:blank'")

    def value(self, expression: str) -> object:
        """Return what an expression of JavaScript gives, a promise when it is kept."""
        given = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in given, given["exceptionDetails"]
        return given["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a condition holds."""
        until = time.monotonic() + SECONDS
        while not self.value(condition):
            assert time.monotonic() < until, condition
            time.sleep(0.05)

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key and let it go; modifiers are those of the protocol (8: shift)."""
        number, text = KEYS.get(key, (ord(key[0].upper()), key))
        about = {"key": key, "code": key, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        self("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **about)
        self("Input.dispatchKeyEvent", type="keyUp", **about)

    def point(self, x: float, y: float) -> None:
        """Move the pointer to a place of the window, in CSS pixels."""
        self("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self, file: Path, whole: bool = False) -> None:
        """Write what the window, or the whole page, looks like."""
        data = self("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))


@pytest.fixture(scope="session")
def chromium():
    """A browser; tests that need one are left out where there is none."""
    if not CHROMIUM:
        pytest.skip("no Chromium here")
    started = Browser()
    yield started
    started.close()


@pytest.fixture
def browser(chromium):
    """The browser with a wide window, and the console that a test leaves must be silent."""
    chromium.complaints.clear()
    chromium.size(1200)
    yield chromium
    assert chromium.complaints == []
