"""The timeline of a group: rules one by one, properties, and a simulation of hosts around it."""
