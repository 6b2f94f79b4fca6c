"""Time as the law counts it: the working-day calendar, the statutory clock, the stages of lateness, and the seed of all three."""
