"""Measurements of the running system at audio cadence; ``hybridmix bench`` prints them."""
