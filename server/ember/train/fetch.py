"""Fetch the packages of `packages.toml` from the registries and write `manifest.json`.

Each registry is reached through its ordinary client (cargo, pip, npm, apt-get), by package name. Packages are unpacked under
DATA/raw/<registry>/<name>. The manifest records version, licence, bytes, sha256 and split; once it exists its versions are the
ones fetched. A package that is already unpacked is not fetched again; one without a permissive licence is dropped and said so.
"""

import argparse, fnmatch, hashlib, json, re, shutil, subprocess, tarfile, tomllib, zipfile
from pathlib import Path

HERE = Path(__file__).parent
PERMISSIVE = {
    "mit", "mit-0", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "0bsd", "isc", "zlib", "psf-2.0", "python-2.0", "unlicense", "cc0-1.0",
    "bsd", "apache 2.0", "apache software license", "bsd license", "mit license", "new bsd", "apache license 2.0", "bsd-3", "bsd 3-clause",
    "apache license, version 2.0", "3-clause bsd", "bsd 3-clause license", "isc license (iscl)", "psf", "apache2", "bsd-2-clause-views",
}


def permissive(expression: str) -> bool:
    """True when the SPDX expression (or plain licence name, or old-style `A/B`) can be satisfied by permissive licences alone."""
    text = expression.lower().replace(" with llvm-exception", "").strip()
    if text in PERMISSIVE:
        return True
    parts = re.split(r"\s+(or|and)\s+|\s*(/)\s*|([()])", text)
    words = {"or": "or", "/": "or", "and": "and", "(": "(", ")": ")"}
    logic = " ".join(words.get(p.strip()) or str(p.strip() in PERMISSIVE) for p in parts if p and p.strip())
    try:
        return bool(eval(logic, {"__builtins__": {}}))  # only the words of `words`, True and False can be in it
    except SyntaxError:
        return False


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-300:]}")
    return done.stdout


def tree_bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def fetch_cargo(packages: dict, locked: dict, raw: Path):
    """Vendor the dependency tree of the root crates; the lock file kept beside the manifest pins every version."""
    project, vendor, lock = raw.parent / "cargo-project", raw / "cargo", HERE / "cargo.lock"
    if not vendor.exists():
        (project / "src").mkdir(parents=True, exist_ok=True)
        (project / "src/lib.rs").write_text("")
        roots = "\n".join(f"{name} = {spec}" for name, spec in packages["roots"].items())
        (project / "Cargo.toml").write_text(f'[package]\nname = "ember-data"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n{roots}\n')
        if lock.exists():
            shutil.copy(lock, project / "Cargo.lock")
        run("cargo", "vendor", str(vendor), cwd=project)
        shutil.copy(project / "Cargo.lock", lock)
    for folder in sorted(vendor.iterdir()):
        package = tomllib.loads((folder / "Cargo.toml").read_text())["package"]
        name = package["name"]
        if any(fnmatch.fnmatch(name, pattern) for pattern in packages["skip"]):
            continue
        checksum = json.loads((folder / ".cargo-checksum.json").read_text())["package"]
        yield dict(registry="cargo", name=name, version=package["version"], licence=package.get("license", "?"), sha256=checksum, folder=folder)


def unpack(archive: Path, folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    if archive.suffix in (".whl", ".zip"):
        zipfile.ZipFile(archive).extractall(folder)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")


def wheel_licence(folder: Path) -> str:
    text = next(folder.glob("*.dist-info/METADATA")).read_text(errors="replace").split("\n\n")[0]
    for pattern in (r"^License-Expression: (.+)$", r"^License: ([^\n]{1,60})$", r"^Classifier: License :: (?:OSI Approved :: )?(.+)$"):
        for found in re.findall(pattern, text, re.M):
            if permissive(found):
                return found.strip()
    return "?"


def fetch_archives(registry: str, names: list[str], locked: dict, raw: Path):
    """PyPI wheels and npm tarballs: one archive a package."""
    for name in names:
        folder, version = raw / registry / name.replace("/", "__"), locked.get((registry, name))
        stamp = folder / ".fetched.json"
        if not stamp.exists():
            temp = raw.parent / "download"
            shutil.rmtree(temp, ignore_errors=True)
            temp.mkdir(parents=True)
            try:
                if registry == "pypi":
                    run("pip", "download", "--no-deps", "--only-binary=:all:", "-d", str(temp), f"{name}=={version}" if version else name)
                else:
                    run("npm", "pack", f"{name}@{version}" if version else name, cwd=temp)
            except RuntimeError as error:
                print(f"skipped {name}: {error}")
                continue
            archive = next(temp.iterdir())
            unpack(archive, folder)
            if registry == "pypi":
                version, licence = archive.name.split("-")[1], wheel_licence(folder)
            else:
                package = json.loads((folder / "package/package.json").read_text()) if (folder / "package").exists() else json.loads(next(folder.glob("*/package.json")).read_text())
                version, licence = package["version"], str(package.get("license", "?"))
            stamp.write_text(json.dumps(dict(version=version, licence=licence, sha256=sha256(archive))))
        yield dict(registry=registry, name=name, folder=folder, **json.loads(stamp.read_text()))


def fetch_debian(packages: dict, locked: dict, raw: Path):
    """Debian source packages, through apt-get with a private source list (needs only `apt-get` and Debian's archive key)."""
    state = raw.parent / "apt"
    (state / "lists/partial").mkdir(parents=True, exist_ok=True)
    (state / "sources.list").write_text("deb-src http://deb.debian.org/debian bookworm main\n")
    options = ["-o", f"Dir::Etc::sourcelist={state}/sources.list", "-o", "Dir::Etc::sourceparts=-", "-o", f"Dir::State::lists={state}/lists"]
    missing = [n for n in packages if not (raw / "debian" / n / ".fetched.json").exists()]
    if missing:
        run("apt-get", *options, "update")
    for name, (language, licence) in packages.items():
        folder = raw / "debian" / name
        stamp = folder / ".fetched.json"
        if not stamp.exists():
            folder.mkdir(parents=True, exist_ok=True)
            version = locked.get(("debian", name))
            try:
                run("apt-get", *options, "source", "--download-only", f"{name}={version}" if version else name, cwd=folder)
            except RuntimeError as error:
                print(f"skipped {name}: {error}")
                continue
            archive = next(p for p in folder.iterdir() if ".orig" in p.name and ".tar" in p.name and p.suffix != ".asc")
            version = re.search(r"^Version: (.+)$", next(folder.glob("*.dsc")).read_text(), re.M)[1]
            digest = sha256(archive)
            unpack(archive, folder)
            for path in folder.iterdir():
                if path.is_file():
                    path.unlink()
            stamp.write_text(json.dumps(dict(version=version, licence=licence, sha256=digest, language=language)))
        yield dict(registry="debian", name=name, folder=folder, **json.loads(stamp.read_text()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    args = parser.parse_args()
    packages = tomllib.loads((HERE / "packages.toml").read_text())
    path = HERE / "manifest.json"
    locked = {(p["registry"], p["name"]): p["version"] for p in json.loads(path.read_text())} if path.exists() else {}
    raw = args.data / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    sources = [
        fetch_cargo(packages["cargo"], locked, raw),
        fetch_archives("pypi", packages["pypi"]["names"], locked, raw),
        fetch_archives("npm", packages["npm"]["names"], locked, raw),
        fetch_debian(packages["debian"], locked, raw),
    ]
    manifest = []
    for source in sources:
        for package in source:
            if not permissive(package["licence"]):
                print(f"dropped {package['name']}: licence {package['licence']}")
                continue
            folder = package.pop("folder")
            heldout = package["name"] in packages["heldout"][package["registry"]]
            package |= dict(bytes=tree_bytes(folder), split="heldout" if heldout else "train", path=str(folder.relative_to(raw)))
            manifest.append(package)
            print(f"{len(manifest):4} {package['registry']:6} {package['name']} {package['version']} {package['licence']}", flush=True)
    path.write_text("[\n" + ",\n".join(json.dumps(p) for p in manifest) + "\n]\n")


if __name__ == "__main__":
    main()
