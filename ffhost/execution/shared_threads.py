"""The threads and the background loop that all callers of a process share.

Both start nothing until they are used, so importing this in a process that forks
later leaves no dead thread.
"""

from __future__ import annotations

from ffhost.execution.callee_threads import CalleeThreads
from ffhost.execution.loops import BackgroundLoop
from ffhost.execution.threads import ThreadPool

pool = ThreadPool()
callee_threads = CalleeThreads(pool)
background = BackgroundLoop()
