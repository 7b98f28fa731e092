"""One history in many schemas of a database: what exists once, and what each tenant has."""
