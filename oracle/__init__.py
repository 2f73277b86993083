"""What the price is and when to publish it. Knows neither web3 nor the environment."""
