"""Language models behind an OpenAI-compatible server: requests, retries, costs, a cache."""
