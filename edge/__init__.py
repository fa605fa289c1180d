"""The agent in the store: cameras and readers in, releases out."""
