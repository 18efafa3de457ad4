"""The Rust client against libzmq, and against peers that misbehave."""
