"""The qemu driver: guests that are QEMU processes."""
