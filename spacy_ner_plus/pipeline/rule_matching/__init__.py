"""Rules, and where they hit in batches of Docs; what becomes of the hits is the component's."""
