"""The only code that waits: for slots, threads, tasks, chunks and deadlines."""
