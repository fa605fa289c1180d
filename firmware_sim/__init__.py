"""A simulated store: shoppers, cameras, reader firmware and the truth; imports nothing of ours."""
