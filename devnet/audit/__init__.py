"""The referee of the local world: judges the fleet from the chain's own words and the price tape.

Shares no code with the fleet: a player does not bring the referee. The formulas are those of the
reference exchange's design, written a second time.
"""
