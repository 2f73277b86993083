"""Where prices are read. subtensor.py is the only file that imports substrateinterface."""
