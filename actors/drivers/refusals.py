"""What is refused in words of libvirt's library, which begin with no kind of error."""

from __future__ import annotations

from ...wire.enums.error import ErrorDomain
from ...wire.errors import InvalidArgument


def refusal(words: str, domain: int = ErrorDomain.DOMAIN) -> InvalidArgument:
    """An argument that libvirt's library refuses in words of its own, which begin with no kind of error."""
    error = InvalidArgument(domain=domain)
    error.message = words
    error.args = (words,)
    return error
