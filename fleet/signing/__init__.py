"""Keys that live elsewhere: Web3Signer, AWS KMS, Google Cloud KMS.

Each is asked for one signature over one transaction and is not believed: what it returns must be
of the key that was named at the start, over exactly the bytes that were asked for, or nothing
leaves.
"""
