"""Open the pages of the documentation in a browser, and tell what is wrong with them."""
