"""The text of SQL: the one lexer, the one way to quote, and the names of limbeck's own schemas."""
