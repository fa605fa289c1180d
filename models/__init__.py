"""Shipped models, and the scripts that make them again."""
