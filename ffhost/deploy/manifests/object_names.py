"""Valid names of Kubernetes objects: lower case, hyphens, short enough."""

from __future__ import annotations

import hashlib
import re

from ffhost.config import LoadedConfig

LONGEST = 63
"""Most characters of a DNS label (RFC 1123), which a Service's name must be."""


def image_name(config: LoadedConfig) -> str:
    """Return the image that manifests name, and that ``ffhost build`` says how to make."""
    return f"{kubernetes_label(config.base.resolve().name)}:latest"


def kubernetes_label(text: str, longest: int = LONGEST) -> str:
    """Make a DNS label of *text*; one that is cut ends with a digest of the whole text.

    >>> label("On_Upload")
    'on-upload'
    """
    found = re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")
    found = found.lstrip("-0123456789") or "functions"
    if len(found) <= longest:
        return found
    mark = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{found[: longest - 7].rstrip('-')}-{mark}"


def kubernetes_object_name(app: str, function: str, longest: int = LONGEST) -> str:
    """Return the name of an object for one function of an app."""
    return kubernetes_label(f"{app}-{function}", longest)
