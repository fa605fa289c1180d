"""Images to tracks on the floor."""
