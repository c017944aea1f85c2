"""Shards that processes share: how many there are, and which of them has which shard."""
