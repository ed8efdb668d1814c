"""Federated rounds, strategies and statistics: institutions compute together, and their data stays where it is."""
