"""The detector of the simulated store's people, for the demo only."""
