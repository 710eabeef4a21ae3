"""What API Gateway checks in a handshake: the edge imitates it, and diagnose replays it."""
