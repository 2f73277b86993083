"""A node behind a bad network: a JSON-RPC proxy that lags, drops, repeats, cuts off and lies."""
