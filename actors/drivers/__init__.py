"""Drivers, a folder each; registry.py lists them, domain.py and domain_driver.py hold what drivers of domains share."""
