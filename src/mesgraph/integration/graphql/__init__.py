"""Other systems in the API: documents in, what was made out, messages to be fetched."""
