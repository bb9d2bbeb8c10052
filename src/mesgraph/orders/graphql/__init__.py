"""Orders and their execution in the API."""
