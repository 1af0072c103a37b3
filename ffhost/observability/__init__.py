"""Logs, trace hooks and metrics."""
