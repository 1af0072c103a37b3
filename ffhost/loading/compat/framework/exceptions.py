"""The exception names of ``functions_framework.exceptions``, for user code that catches them."""

from __future__ import annotations


class FunctionsFrameworkException(Exception):
    """The base of the others."""


class InvalidConfigurationException(FunctionsFrameworkException):
    """The environment or the command line is wrong."""


class InvalidTargetTypeException(FunctionsFrameworkException):
    """The target is not a function."""


class MissingSourceException(FunctionsFrameworkException):
    """The source file does not exist."""


class MissingTargetException(FunctionsFrameworkException):
    """The source file does not define the target."""


class EventConversionException(FunctionsFrameworkException):
    """An event cannot be converted."""


class RequestTimeoutException(FunctionsFrameworkException):
    """The request took too long."""
