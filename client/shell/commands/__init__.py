"""The commands, a module for each kind; every module has its commands in ``COMMANDS``. ../catalogue.py names them."""
