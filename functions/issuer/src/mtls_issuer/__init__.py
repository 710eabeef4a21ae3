"""The issuer: renews a certificate that its holder presents, and believes nobody but the registry.

It runs in the security account. Whoever asks it (the function `est` of a workload account) only
carries what the device sent: everything is judged here once more.
"""
