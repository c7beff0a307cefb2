"""Generate the Python of Connect's messages from their .proto file.

    scripts/messages.py           write connect_pb2.py, connect_pb2.pyi and their checksum
    scripts/messages.py --check   fail when they do not fit the .proto file

The compiler is the newest whose output asks for no version of protobuf's runtime: it works
on 5.29 and on all that came after. It does not fit beside that runtime, so it runs in an
environment of its own, which uv makes and caches. `--check` needs no compiler: it compares
the checksum of the three files, and only tells whether someone forgot to run this.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "inngest-connect/src"
FOLDER = SOURCES / "inngest/connect/_internal/wire"
FILES = ("connect.proto", "connect_pb2.py", "connect_pb2.pyi")
CHECKSUM = FOLDER / "connect.sha256"
COMPILER = ("grpcio-tools==1.62.3", "setuptools<80")
PYTHON = "3.11"
TIMEOUT = 300


def checksum() -> str:
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((FOLDER / name).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def compiled(into: Path) -> None:
    """Write both generated files below a folder."""
    uv = Path(sys.executable).with_name("uv")
    given = os.environ.get("PROTOC_PYTHON")  # one that has the compiler already
    with_tools = [part for tool in COMPILER for part in ("--with", tool)]
    python = (
        [given]
        if given
        else [str(uv), "run", "--quiet", "--no-project", "--python", PYTHON, *with_tools, "python"]
    )
    source = FOLDER.relative_to(SOURCES) / FILES[0]
    subprocess.run(
        [
            *python,
            "-m",
            "grpc_tools.protoc",
            f"--proto_path={SOURCES}",
            f"--python_out={into}",
            f"--pyi_out={into}",
            str(source),
        ],
        cwd=ROOT,
        check=True,
        timeout=TIMEOUT,
    )


def parametrize(stub: Path) -> None:
    """Say what mappings hold, which the compiler leaves out."""
    text = re.sub(r"\b_Mapping\b(?! as|\[)", "_Mapping[str, _Any]", stub.read_text("utf-8"))
    text = text.replace("import ClassVar as", "import Any as _Any, ClassVar as", 1)
    text = text.replace("Mapping as _Mapping[str, _Any]", "Mapping as _Mapping", 1)
    stub.write_text(text, "utf-8")


def main(args: list[str]) -> int:
    if args == ["--check"]:
        if CHECKSUM.read_text().strip() != checksum():
            print("messages: run scripts/messages.py, and commit what it writes")
            return 1
        return 0
    compiled(SOURCES)
    parametrize(FOLDER / FILES[2])
    CHECKSUM.write_text(checksum() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
