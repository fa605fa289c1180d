"""The contract: all that edge and hub share."""
