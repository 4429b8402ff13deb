"""Many inputs nobody would think of; `FUZZ_TRIES` asks for more than the suite makes."""
