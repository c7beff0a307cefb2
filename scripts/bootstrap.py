"""Set up the local environment. Run it as scripts/bootstrap; standard library only."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = (ROOT / os.environ.get("VENV", ".venv")).resolve()
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
UV = BIN / ("uv.exe" if os.name == "nt" else "uv")
STAMP = VENV / "bootstrap.stamp"
MEMBERS = sorted(path.parent for path in ROOT.glob("inngest-*/pyproject.toml"))


def fingerprint() -> str:
    """What the environment is made of: when this stays, so does the environment."""
    files = [ROOT / "uv.lock", ROOT / "scripts/uv.txt", Path(__file__), ROOT / "pyproject.toml"]
    digest = hashlib.sha256(f"{ROOT} {VENV}".encode())
    for file in [*files, *(member / "pyproject.toml" for member in MEMBERS)]:
        digest.update(f"{file.name} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def run(command: list[str | Path], env: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=env, check=False)
    if done.returncode:
        names = " ".join(str(part) for part in command)
        sys.exit(f"bootstrap: failed with status {done.returncode}: {names}")


def pip_option(python: Path, name: str) -> str:
    """Return one of pip's options, from its environment variables or its files."""
    listed = ""
    for each in (python, Path(sys.executable)):
        command: list[str | Path] = [each, "-m", "pip", "config", "list"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            listed = done.stdout
            break
    found: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        found[section + option] = value.strip("'\"").replace("\\n", " ")
        if option == name and section == ":env:":
            return found[section + option]
    return found.get("install" + name) or found.get("global" + name) or ""


def uv_environment(python: Path) -> dict[str, str]:
    """uv does not read pip's configuration: hand it the index, where it has none of its own."""
    env = dict(os.environ)
    for name in ("UV_FROZEN", "UV_LOCKED", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH", "PYTHONHOME"):
        env.pop(name, None)
    env["VIRTUAL_ENV"] = str(python.parent.parent)
    env["UV_PYTHON_DOWNLOADS"] = "never"
    env.setdefault("UV_LINK_MODE", "copy" if os.name == "nt" else "hardlink")
    if "HOME" not in env:
        env.setdefault("UV_CACHE_DIR", str(python.parent.parent / "uv-cache"))
    own = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
    if any(env.get(name) for name in own):
        return env
    index = pip_option(python, "index-url")
    if index:
        env["UV_DEFAULT_INDEX"] = index
        # Next to an index of its own, pip's other sources may be needed; what they
        # serve is held to the hashes of the lock.
        extra = pip_option(python, "extra-index-url").split()
        links = [
            link
            for link in pip_option(python, "find-links").split()
            if "://" in link or Path(link).is_dir()
        ]
        if extra:
            env["UV_INDEX"] = " ".join(extra)
            env["UV_INDEX_STRATEGY"] = "unsafe-best-match"
        if links:
            env["UV_FIND_LINKS"] = ",".join(links)
    for pip_name, uv_name in (("cert", "SSL_CERT_FILE"), ("trusted-host", "UV_INSECURE_HOST")):
        value = pip_option(python, pip_name)
        if value and not env.get(uv_name):
            env[uv_name] = value
    return env


def pip_command() -> list[str | Path]:
    """How to install into the environment: with its own pip, or else this Python's."""
    own: list[str | Path] = [BIN / "python", "-m", "pip"]
    ours: list[str | Path] = [sys.executable, "-m", "pip", "--python", BIN / "python"]
    for command in (own, ours):
        if (
            subprocess.run([*command, "--version"], capture_output=True, check=False).returncode
            == 0
        ):
            return command
    sys.exit(
        f"bootstrap: {sys.executable} has neither ensurepip nor pip; install one (Debian: python3-venv)"
    )


def create() -> None:
    print(f"bootstrap: creating {VENV}", flush=True)
    try:
        venv.create(VENV, with_pip=True, symlinks=os.name != "nt")
    except (ImportError, subprocess.CalledProcessError):
        # Some systems package ensurepip apart.
        venv.create(VENV, clear=True, symlinks=os.name != "nt")


def install() -> None:
    if not (VENV / "pyvenv.cfg").exists():
        create()
    options = ["--disable-pip-version-check", "-q", "--require-hashes", "--only-binary=:all:"]
    uv = ROOT / "scripts/uv.txt"
    run([*pip_command(), "install", *options, "-r", uv], dict(os.environ))
    env = uv_environment(BIN / "python")
    locked = VENV / "requirements.txt"
    export: list[str | Path] = [UV, "export", "-q", "--frozen", "--all-packages", "--all-groups"]
    run([*export, "--no-emit-workspace", "--no-header", "--no-annotate", "-o", locked], env)
    python = BIN / "python"
    run([UV, "pip", "sync", "-q", "--python", python, "--require-hashes", locked], env)
    # hatchling comes from the lock, too: nothing is fetched that has no hash.
    editable = [part for member in MEMBERS for part in ("-e", str(member))]
    run(
        [
            UV,
            "pip",
            "install",
            "-q",
            "--python",
            python,
            "--no-deps",
            "--no-build-isolation",
            *editable,
        ],
        env,
    )


def main() -> None:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted and UV.exists():
        return
    STAMP.unlink(missing_ok=True)
    install()
    STAMP.write_text(wanted)
    print(f"bootstrap: {VENV} is ready", flush=True)


if __name__ == "__main__":
    main()
