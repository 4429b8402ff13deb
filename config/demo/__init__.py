"""The demo: two agencies with their clients, made by the real services."""
