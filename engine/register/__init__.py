"""Poor households and their members as the departments know them: look-up, importing, identity numbers and cross-checks."""
