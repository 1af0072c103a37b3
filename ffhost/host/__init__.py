"""The host: the snapshot that is served, loading, reloading, lifecycle and admin pages."""
