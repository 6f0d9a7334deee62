# SPDX-License-Identifier: Apache-2.0
"""A browser at a gateway: what the tests of the dashboard share.

Chromium is the distribution's. Playwright, which drives it, and axe-core, which judges what is shown, come from PyPI
into build/browser, in pinned versions; neither brings a browser.
"""

import os
import re
import subprocess
import sys
import time
import urllib.parse
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PACKAGES = ["playwright==1.65.2", "axe-playwright-python==0.1.8"]
CHROMIUM = "/usr/bin/chromium"
WIDTHS = {390: 844, 1280: 800, 2560: 1440}
THEMES = ("light", "dark")
PATIENCE_MS = 20_000


def with_packages():
    """Runs this program again where the packages are, unless it is there already."""
    folder = os.path.join(ROOT, "build", "browser")
    python = os.path.join(folder, "bin", "python")
    if os.path.abspath(sys.prefix) == folder:
        return
    done = os.path.join(folder, "installed")
    wanted = "\n".join(PACKAGES)
    if not os.path.exists(done) or open(done, encoding="utf-8").read() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", "install", *PACKAGES], check=True)
        with open(done, "w", encoding="utf-8") as out:
            out.write(wanted)
    os.execv(python, [python, *sys.argv])


class Browser:
    """Collects what no page may do: errors in the console, requests to other hosts."""

    def __init__(self, playwright):
        flags = ["--disable-dev-shm-usage"] + (["--no-sandbox"] if os.getuid() == 0 else [])
        self.chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        self.wrong = []
        self.patient = False  # while the gateway is away, failed requests are no mistakes
        self.refused = False  # where a test gives the gateway something to refuse, the console says so

    def page(self, gateway, width=1280, theme="light", **more):
        context = self.chromium.new_context(
            viewport={"width": width, "height": WIDTHS[width]}, color_scheme=theme, base_url=gateway.url, **more
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        host = urllib.parse.urlsplit(gateway.url).netloc
        page.on("request", lambda request: self.check_request(request.url, host))
        page.on("console", self.check_console)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        return page

    def check_request(self, url, host):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
            self.wrong.append(f"a request to {url}, which is not the gateway")

    def check_console(self, message):
        if message.type not in ("error", "warning"):
            return
        expected = re.search(r"status of (401|429|503)|HTTP Authentication failed", message.text)
        if self.refused:
            expected = expected or re.search(r"status of (400|404|409|412)", message.text)
        if self.patient:
            expected = expected or re.search(r"ERR_|WebSocket connection", message.text)
        if not expected:
            self.wrong.append(f"the console says: {message.text}")

    def close(self):
        self.chromium.close()


def sign_in(page, name, password):
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in").click()


def holds(page, condition):
    """Waits until it does. Playwright's own wait_for_function asks again by eval, which the gateway's policy forbids."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(condition):
        if time.monotonic() > deadline:
            raise AssertionError(f"never so: {condition}")
        page.wait_for_timeout(50)


def violations(page):
    """What axe finds against WCAG 2.2, level AA, and its best practices."""
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}}).response["violations"]
    return [
        f"{one['id']} ({one['help']}): " + "; ".join(node["html"][:200] for node in one["nodes"][:3]) for one in found
    ]


# A link within a sentence may be as high as its line (WCAG 2.5.8).
SMALL = """() => [...document.querySelectorAll("button, .button, input, select, textarea, [role=tab], [role=treeitem], nav a")]
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([, {width, height}]) => width > 1 && height > 1 && (width < 24 || height < 24))
  .map(([one, {width, height}]) => `${one.outerHTML.slice(0, 160)} (${Math.round(width)} x ${Math.round(height)})`)"""


def too_small(page):
    """What is pressed and is not 24 pixels wide and high."""
    return page.evaluate(SMALL)


def wider_than_screen(page):
    """How many pixels the page can be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
