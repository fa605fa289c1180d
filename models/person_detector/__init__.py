"""The person detector: model, manifest, card and training."""
