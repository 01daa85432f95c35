"""TLS to the source and from it: known certificates carry, others are told with their remedy."""

import http.server
import ssl
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from imagehaven.errors import TransientError, UserError
from imagehaven.haven import Haven
from retrieving import Made, arrived, days, declare, dimse, moving, retrieve, uid, web
from servers import orthanc
from servers.ports import free_port

DAY = ("2020-01-01", "2020-01-02")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server and a client that it signed, and a stranger."""
    place = tmp_path_factory.mktemp("papers")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)

    for who in ("authority", "stranger"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                f"/CN={who}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                "-keyout", f"{who}.key", "-out", f"{who}.pem")  # fmt: skip
    (place / "names").write_text("subjectAltName=DNS:pacs.example")
    for who in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={who}", "-keyout",
                f"{who}.key", "-out", f"{who}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "authority.pem", "-CAkey",
                "authority.key", "-CAcreateserial", "-days", "2", "-extfile", "names",
                "-out", f"{who}.pem")  # fmt: skip
    return place


def tls(papers: Path, authority: str = "authority", **more: str) -> dict[str, str]:
    files = {"authority": papers / f"{authority}.pem", "certificate": papers / "client.pem",
             "key": papers / "client.key"}  # fmt: skip
    return {name: str(path) for name, path in files.items()} | more


@pytest.fixture
def secured(papers: Path, tmp_path: Path, files: Made) -> Any:
    configuration = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(papers / "server.pem"),
        "DicomTlsPrivateKey": str(papers / "server.key"),
        "DicomTlsTrustedCertificates": str(papers / "authority.pem"),
    }
    with orthanc.running(tmp_path / "orthanc", **configuration) as server:
        server.add(files.paths)
        yield server


def test_dimse_over_tls(haven: Haven, papers: Path, secured: Any, files: Made) -> None:
    declare(haven, main=dimse(secured.dicom, tls=tls(papers, name="pacs.example")))
    told, _ = retrieve(haven, days("main", *DAY))
    assert told.whole
    assert set(arrived(haven, "main")) == {uid(path) for path in files.paths}
    declare(haven, main=dimse(secured.dicom, tls=tls(papers, "stranger", name="pacs.example")))
    with pytest.raises(UserError, match=r"does not prove that it is pacs.example"):
        retrieve(haven, days("main", *DAY))
    declare(haven, main=dimse(secured.dicom, tls=tls(papers)))
    with pytest.raises(UserError, match=r"does not prove that it is 127.0.0.1"):
        retrieve(haven, days("main", *DAY))


def test_plain_talk_to_a_tls_port_is_told(haven: Haven, secured: Any) -> None:
    declare(haven, main=dimse(secured.dicom))
    with pytest.raises(TransientError, match="whether it speaks TLS"):
        retrieve(haven, days("main", *DAY))


def test_c_move_over_tls_both_ways(haven: Haven, papers: Path, secured: Any, files: Made) -> None:
    port = free_port()
    secured.again(DicomModalities={"haven": {
        "AET": "IMAGEHAVEN", "Host": "127.0.0.1", "Port": port, "UseDicomTls": True,
    }})  # fmt: skip
    how = moving(secured.dicom, port, tls=tls(papers, name="pacs.example"))
    how["destination"]["tls"] = tls(papers)
    declare(haven, main=how)
    told, _ = retrieve(haven, days("main", *DAY))
    assert told.whole
    assert set(arrived(haven, "main")) == {uid(path) for path in files.paths}


def test_dicomweb_over_tls(haven: Haven, papers: Path, own: Any, files: Made) -> None:
    class Front(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urllib.request.Request(f"http://127.0.0.1:{own.http}{self.path}")
            asked.add_header("Accept", self.headers["Accept"])
            with urllib.request.urlopen(asked) as answer:
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "server.pem", papers / "server.key")
    front.socket = context.wrap_socket(front.socket, server_side=True)
    thread = threading.Thread(target=front.serve_forever)
    thread.start()
    try:
        url = f"https://127.0.0.1:{front.server_port}/dicom-web"
        declare(haven, main=web(url, tls=tls(papers, name="pacs.example")))
        told, _ = retrieve(haven, days("main", *DAY))
        assert told.whole
        declare(haven, main=web(url, tls=tls(papers)))
        with pytest.raises(UserError, match="TLS was not agreed on"):
            retrieve(haven, days("main", *DAY))
    finally:
        front.shutdown()
        front.server_close()
        thread.join()
    assert set(arrived(haven, "main")) == {uid(path) for path in files.paths}


def test_files_for_tls_that_are_not_there_are_told(haven: Haven, papers: Path) -> None:
    declare(haven, main=dimse(104, tls=tls(papers, "nobody")))
    with pytest.raises(UserError, match="TLS cannot be set up from"):
        retrieve(haven, days("main", *DAY))
