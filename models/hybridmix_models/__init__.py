"""torch architectures, training and evaluation of the HybridMix models."""
