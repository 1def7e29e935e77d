"""A page opened in Chromium, for the tests of pages: its script, its console, what it asks for."""

from __future__ import annotations

import json
import time


class ChromiumPage:
    """A page in the browser. Subclasses say when it is at rest (`at_rest`: an expression of JavaScript)."""

    at_rest = "true"

    def __init__(self, browser, path):
        self.browser = browser
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())
        self.settle()

    def js(self, code, *arguments):
        return self.browser.execute_script(code, *arguments)

    def settle(self, seconds=20.0):
        """Wait until the page shows what was asked for."""
        end = time.monotonic() + seconds
        while not self.js(f"return {self.at_rest}"):
            assert time.monotonic() < end, self.browser.get_log("browser")
            time.sleep(0.01)

    def complaints(self):
        """Errors and warnings in the console since the last call, and requests but for the page itself and what it holds."""
        logged = [entry for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        return logged + [url for url in requests(self.browser) if url != self.browser.current_url]


def requests(browser):
    """Addresses that pages have asked for since the last call, but for data and blobs in the page.

    Chromium begins with a new tab, whose requests (chrome:, chrome-untrusted:) may come late.
    """
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in sent if e["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "blob:", "chrome:", "chrome-untrusted:"))]
