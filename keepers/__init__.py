"""What is done with a price: liquidations, funding, warnings. Knows neither web3 nor the fleet."""
