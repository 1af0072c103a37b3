"""A trace hook that does nothing but be there."""


def nothing(invocation):
    yield
