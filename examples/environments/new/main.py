"""A function that needs a new version of a package."""

import packaging


def version(request):
    return {"packaging": packaging.__version__}
