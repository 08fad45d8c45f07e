"""Load generators: one program for each client library, all with the same operations (serving.py).

Each runs as a process of its own under the Python that has its library; ``libvirt_python`` is run by the system's
Python, so nothing here but ``ours`` and ``raw`` may import what is installed in .venv.
"""
