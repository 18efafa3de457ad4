"""A discrete-event simulation: hosts, plugins, bridges and the service around the real timeline."""
