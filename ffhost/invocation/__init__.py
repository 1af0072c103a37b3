"""What a function and a call of it are: records and states. Nothing here waits."""
