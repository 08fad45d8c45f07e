"""Certificates for tests, made by openssl: an authority and what it signs for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

DAYS = "2"


class Authority:
    """An authority of its own below ``folder``: ``certificate`` and ``key``, and folders with what it issued."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self._key = folder / "cacert.pem", folder / "cakey.pem"
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS),
            *("-keyout", self._key, "-out", self.certificate, "-subj", f"/CN=authority of the {name}"),
        )

    def issue(self, kind: str, subject: str, names: str = "") -> Path:
        """A folder as libvirt's ``pkipath`` wants it: cacert.pem, and KINDcert.pem with KINDkey.pem for ``subject``.

        ``names`` are subjectAltNames: ``DNS:localhost,IP:127.0.0.1``.
        """
        folder = self.folder / f"{kind}{subject.replace('/', '-')}"
        folder.mkdir()
        shutil.copy(self.certificate, folder / "cacert.pem")
        key, request, certificate = folder / f"{kind}key.pem", folder / "request.pem", folder / f"{kind}cert.pem"
        usage = "serverAuth" if kind == "server" else "clientAuth"
        extensions = folder / "extensions"
        extensions.write_text(
            f"keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage={usage}\n"
            + (f"subjectAltName={names}\n" if names else "")
        )
        _openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", key, "-out", request, "-subj", subject),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", DAYS, "-out", certificate, "-extfile", extensions),
        )
        return folder


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The tests' authority. Skips where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Authority(tmp_path_factory.mktemp("pki"))
