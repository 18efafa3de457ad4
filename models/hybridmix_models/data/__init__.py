"""Songs and scenes: what the gain models learn from and are scored on."""
