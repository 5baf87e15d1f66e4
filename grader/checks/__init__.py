"""What a check is written with, and what runs it; light, since notebooks import it."""
