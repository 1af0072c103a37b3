"""A function that calls both."""

import ffhost


async def compare(request):
    """Return the versions that the two functions have."""
    found = {}
    for name in ("old", "new"):
        answer = await ffhost.call(name)
        found[name] = answer.raise_for_status().json()["packaging"]
    return found
