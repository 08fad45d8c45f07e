"""The crash campaign: the daemon, its guests, its disk and its files come to harm, and nothing promised is lost.

``python -m campaign --rounds 200`` (or ``make campaign ROUNDS=200``). A round: clients work (model.py, load.py), harm
is done (harm.py), the daemon dies and a new one starts, and what it says is held against what its clients were told
(oracle.py).
"""
