"""The test driver: domains in memory, for programs that want to try their use of the API (`test:///default`)."""
