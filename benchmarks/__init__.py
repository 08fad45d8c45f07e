"""virtactord beside libvirtd, measured in one run: `make bench`; docs/benchmarks.md says what and how."""
