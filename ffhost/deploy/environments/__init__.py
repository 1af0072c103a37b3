"""Virtual environments of functions that bring their own packages: ``requirements``."""
