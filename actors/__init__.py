"""The daemon: everything that has state is an actor, and all actors share one event loop (runtime.py)."""
