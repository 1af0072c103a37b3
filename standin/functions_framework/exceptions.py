"""Stands for ``functions_framework.exceptions``."""

from ffhost.loading.compat.framework.exceptions import *  # noqa: F403 -- names only, for `except`
