"""The only door out: visits become noised counts here, and nowhere else."""
