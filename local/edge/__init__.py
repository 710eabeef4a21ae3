"""The mTLS edge: API Gateway's front door for HTTP APIs, in front of an AWS emulator.

Emulators keep API Gateway's control plane and run Lambda functions, but they do not take client
certificates. The edge does: it terminates mutual TLS per custom domain as API Gateway does, judges
the certificate against the truststore version that the domain pins, selects mapping and route,
asks the authorizer, and invokes the function with the payload that API Gateway would send.

Run it with ``python -m local.edge --help``; README.md beside this file says what it imitates and
what it does not. It depends on nothing else in this repository.

Reading order: ``model`` (what is configured), ``gateway`` (what happens to one request), ``server``
(sockets), ``__main__`` (the command). The rest are the parts those three put together.
"""
