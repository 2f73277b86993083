"""Where prices are read. lone_client.py and light.py alone import substrateinterface."""
