"""Running a call. The only code that waits: for slots, threads, tasks, chunks, deadlines."""
