"""gunicorn's inside, as our master and our workers use it; checked at import.

gunicorn documents its settings, its hooks and how to embed an application. That its arbiter
can be extended is not documented, and everything named here may change in any version.
"""

from __future__ import annotations

import socket

from ffhost._library import InstalledLibrary

gunicorn = InstalledLibrary("gunicorn", tested="27.0.1")
with gunicorn.imports():
    from gunicorn import arbiter, errors, glogging, sock
    from gunicorn.app import base as app_base
    from gunicorn.workers import base

gunicorn.require(app_base, {"BaseApplication": "hand over its settings"})
BaseApplication = app_base.BaseApplication
gunicorn.require(BaseApplication, {"load_config": "hand over its settings"})

gunicorn.require(arbiter, {"Arbiter": "keep workers alive"})
Arbiter = arbiter.Arbiter
gunicorn.require(
    Arbiter,
    {
        # What `server.master.GunicornMaster` extends or replaces
        "start": "take sockets that are bound already",
        "wait_for_signals": "hear workers as well",
        "manage_workers": "replace workers one by one",
        "spawn_worker": "hold signals back until a worker can take them",
        "murder_workers": "leave those alone that are loading",
        "reap_workers": "tell how a worker ended",
        "handle_chld": "look which worker has ended",
        "handle_cld": "look which worker has ended",
        "handle_hup": "read the configuration again",
        "handle_usr2": "replace the code",
        "handle_term": "drain",
        "handle_int": "end at once",
        "handle_quit": "end at once",
        "stop": "end all workers in time",
        "halt": "end with a status",
        # What it calls, reads and assigns
        "kill_worker": "send a signal to one worker",
        "kill_workers": "send a signal to all",
        "log": "bind sockets",
        "num_workers": "know how many workers there are to be",
        "LISTENERS": "hand bound sockets to workers",
        "SIG_QUEUE": "take the signals that have come",
        "WAKEUP_REQUEST": "tell signals from a wake-up",
        "WORKERS": "know the workers by their process",
        "WORKER_BOOT_ERROR": "tell a foreign master that a worker cannot start",
    },
)
gunicorn.require(errors, {"HaltServer": "end the master with a status"})
HaltServer = errors.HaltServer

gunicorn.require(base, {"Worker": "be a worker"})
Worker = base.Worker
gunicorn.require(
    Worker,
    {
        # What `server.worker.WorkerProcess` extends or replaces
        "init_process": "end the process in our way",
        "init_signals": "take the signals in our way",
        "load_wsgi": "load functions",
        # What it calls and reads
        "SIGNALS": "reset signals after the fork",
        "age": "replace the oldest worker first",
        "app": "tell our master from a foreign one",
        "cfg": "read gunicorn's settings",
        "handle_quit": "end at once, without a lock of gthread's",
        "handle_usr1": "reopen files",
        "max_requests": "replace a worker after so many requests",
        "notify": "tell the master that the loop turns",
        "pid": "name a worker in the log",
        "ppid": "notice that the master has died",
        "sockets": "listen when ready",
        "tmp": "close the heartbeat of a worker that has ended",
    },
)

gunicorn.require(
    sock,
    {
        "BaseSocket": "bind without listening",
        "TCPSocket": "bind an IPv4 address",
        "TCP6Socket": "bind an IPv6 address",
        "UnixSocket": "bind the path of a unix socket",
    },
)
TCPSocket, TCP6Socket, UnixSocket = sock.TCPSocket, sock.TCP6Socket, sock.UnixSocket
gunicorn.require(
    sock.BaseSocket,
    {
        "_is_listening": "bind without listening",
        "cfg_addr": "tell the admin listener from the public one",
        "sock": "listen when ready",
    },
)

gunicorn.require(
    glogging.Logger,
    {
        "LOG_LEVELS": "know gunicorn's names of levels",
        "access": "write an entry for each request",
        "access_log": "write an entry for each request",
        "access_log_enabled": "know whether to",
        "error_log": "write what gunicorn says as entries",
        "reopen_files": "do nothing at SIGUSR1",
        "setup": "leave gunicorn's files and formats out",
    },
)
Logger = glogging.Logger


class GunicornBoundSocket(sock.BaseSocket):  # type: ignore[misc]
    """A socket that gunicorn leaves bound: it listens only where it believes nobody does."""

    @staticmethod
    def _is_listening(sock: socket.socket) -> bool:
        return True
