"""The machine that the daemon runs on, read from /proc and /sys: blocking, for a thread.

Everything is read below a root, so that tests make a machine of files. What a kernel or container does not show is left
out or taken as the simplest case (one cell, one socket); nothing here raises for a file that is missing.
"""
