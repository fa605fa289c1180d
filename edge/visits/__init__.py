"""Tracks and item events to visits and their traits; memory only."""
