"""libvirt's public constants, a module per family.

Import the family that is needed (``from ..wire.enums.domain import DomainState``): making all classes takes some 50 ms,
which a command line that prints one table should not pay for.
"""
