"""Aisle reports for merchandisers."""
