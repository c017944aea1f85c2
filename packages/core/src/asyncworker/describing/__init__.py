"""What an app takes and gives, as documents of AsyncAPI and OpenAPI, and as a page."""
