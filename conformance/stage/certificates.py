"""Certificates that are made for one case."""

from __future__ import annotations

import ssl

from conformance.verdicts import NotApplicable

__all__ = ["certificate_for"]


def certificate_for(name: str) -> tuple[ssl.SSLContext, str]:
    """What a server of that name needs for TLS, and the certificate (PEM) of the new authority behind it.

    `name` is a DNS name or an IP address. Raises NotApplicable if the package is missing that makes them.
    """
    try:
        import trustme
    except ImportError:
        raise NotApplicable("the judge has no trustme: pip install 'sioprobe[tls]'") from None
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context, authority.cert_pem.bytes().decode("ascii")
