"""Measuring a detector on labelled footage: folders, matching, backgrounds, places."""
