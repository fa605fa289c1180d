"""Reader bytes to item events."""
