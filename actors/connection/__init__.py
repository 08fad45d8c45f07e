"""Clients: listening sockets, a connection actor for each client, its session, and the streams that it has open."""
