"""Running QEMUs: the QMP connection (qmp.py) and the actor around it (monitor.py)."""
