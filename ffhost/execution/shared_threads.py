"""What all callers of a process share: the threads and the background loop.

Both start nothing until they are used, so that importing this in a process that forks
later leaves no dead thread behind.
"""

from __future__ import annotations

from ffhost.execution.loops import BackgroundLoop
from ffhost.execution.threads import ThreadPool

pool = ThreadPool()
background = BackgroundLoop()
