"""A whole local world: anvil with the reference exchange, a Subtensor stand-in, traders."""
