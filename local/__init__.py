"""The laptop cloud: emulator, mTLS edge and demo. Nothing in it ships to AWS."""
