"""The hub's database: the only place with SQL."""
