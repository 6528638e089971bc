"""What a user's pod, claim and label are called.

They are KubeSpawner's names, but for those that need a hash. Its hash has 32 bits: whoever may
choose a name finds one within minutes whose pod and claim are called like somebody else's.
"""

import hashlib
import re

from kubespawner.slugs import is_valid_label, is_valid_object_name

USERNAME = "hub.jupyter.org/username"
"""KubeSpawner's label and annotation."""
LONGEST = 48
"""Characters of a name without hash; a pod's has `user-` before it and at most 63."""
_READABLE, _HASH = 20, 32


def object_name(user: str, server: str = "") -> str:
    """The part of a pod's or a claim's name that tells users, and a user's servers, apart."""
    parts = (user, server) if server else (user,)
    name = "--".join(parts)
    plain = all("--" not in part and is_valid_object_name(part) for part in parts)
    return name if plain and len(name) <= LONGEST else _hashed(*parts)


def label(user: str) -> str:
    """The value of a label that selects what belongs to a user."""
    plain = user.isascii() and "--" not in user and is_valid_label(user)
    return user if user and plain else _hashed(user)


def _hashed(*parts: str) -> str:
    """No other name has three dashes."""
    readable = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:_READABLE].strip("-")
    # No text in UTF-8 has this byte.
    content = b"\xff".join(part.encode("utf-8", "surrogatepass") for part in parts)
    return f"{readable or 'x'}---{hashlib.sha256(content).hexdigest()[:_HASH]}"
