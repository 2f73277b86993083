"""The reference exchange, its price feed and the keeper router, in Solidity; see README.md."""
