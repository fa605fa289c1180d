"""`aisle-edge setup`: a page on which store IT calibrates cameras, draws zones and checks both."""
