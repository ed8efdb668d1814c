"""Who may compute what with whose data: agreements, decisions, and the log that proves them."""
