"""How a run goes, told to probes, scrapers and browsers."""
