"""Training of the gain models: prepared scenes, the shared embedding, one run per model."""
