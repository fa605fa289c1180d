"""Releases, kept safe until the hub has them."""
