"""Coverage-guided fuzzing of what a peer can send us: ``make fuzz``."""
