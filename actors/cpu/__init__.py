"""Models of processors and what they can do: names, a table of x86 models, and how processors compare.

A processor here is its features, by libvirt's names. Where models come from is the caller's: QEMU tells its own
(drivers/qemu/cpu_models.py), ``x86.py`` has a table for who has no QEMU to ask.
"""
