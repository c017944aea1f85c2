"""What runs an app elsewhere: manifests, out of what is known of it."""
