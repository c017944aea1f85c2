"""The parser of AsyncAPI's own makers, which says whether a document is valid."""
