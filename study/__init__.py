"""What the rules of the oracle would have done over a price tape: counted, without a chain.

Decides nothing. Every verdict is that of the functions the feeder decides with; here is only the
bookkeeping between two of them, held against the feeder itself by a test.
"""
