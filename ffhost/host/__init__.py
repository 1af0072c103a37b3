"""What is served: the snapshot, loading, reloading, the lifecycle and the admin pages."""
