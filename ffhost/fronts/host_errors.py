"""Answers for errors of the host itself: raised beside a function, not by it.

Falcon's own handlers expect its whole request, of which the fronts make a part only, and log in
a form of their own.
"""

from __future__ import annotations

from http import HTTPStatus

import falcon

from ffhost.errors import RequestError
from ffhost.fronts.replies import complete_reply
from ffhost.host.service import Service
from ffhost.invocation.current import execution_id_of_failure
from ffhost.invocation.ids import EXECUTION_ID_HEADER
from ffhost.invocation.logger import get_logger
from ffhost.web import problems
from ffhost.web.messages import Message, Reply


def answer_host_error(error: Exception, message: Message, service: Service) -> Reply:
    """Return the answer for *error*; what is nobody's refusal has one log entry."""
    identity = execution_id_of_failure(message.header(EXECUTION_ID_HEADER))
    if isinstance(error, RequestError):
        reply = problems.problem_reply(error, identity)
    elif isinstance(error, falcon.HTTPError) and error.status_code < 500:
        phrase = HTTPStatus(error.status_code).phrase
        detail = error.description or error.title or phrase
        fields = dict(error.headers or {})
        reply = problems.problem_with_status(
            error.status_code, phrase, detail, identity, headers=fields
        )
    else:
        get_logger("ffhost").error(
            "host_error",
            method=message.method,
            path=message.path,
            execution_id=identity,
            exc_info=error,
        )
        phrase = HTTPStatus(500).phrase
        reply = problems.problem_with_status(500, phrase, problems.HOST_FAILED, identity)
    complete_reply(reply, identity, service)
    return reply
