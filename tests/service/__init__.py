"""The service: discovery, handshake, members, engine, the process as users run it."""
