"""Noised counts to pattern shares with intervals."""
