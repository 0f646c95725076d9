"""A venue in simulated time: matching, costs, ends of life, margin (DESIGN §7)."""
