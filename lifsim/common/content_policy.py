"""The Content-Security-Policy of HTML pages that need no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence


def content_policy(scripts: Sequence[str], styles: str) -> str:
    """A policy that allows the page's own scripts and styles and images in it, and nothing from any network.

    Parameters
    ----------
    scripts : the text of each script element. styles : the text of the style element.
    """
    allowed = " ".join(map(_digest, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(styles)}; img-src data:; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
