"""Messages from the broker, checked, into the store."""
