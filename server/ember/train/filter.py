"""Filter the fetched packages into clean source files: DATA/files/<split>/<registry>__<name>.jsonl, one file a line.

Dropped: generated, minified and vendored files, files over 200 KB, files with very long lines or mostly data, files that mention a
copyleft licence, and near-duplicates (more than half of their three-line shingles were seen in files kept before). Held-out packages
are read first, so a copy of held-out code inside a training package is what gets dropped.
"""

import argparse, json, re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = {
    ".rs": "rust", ".py": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript",
    ".ts": "typescript", ".tsx": "typescript", ".mts": "typescript", ".go": "go", ".c": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp",
    ".hpp": "cpp", ".hh": "cpp", ".java": "java",
}
REGISTRY_LANGUAGES = {"cargo": {"rust"}, "pypi": {"python"}, "npm": {"javascript", "typescript"}}
BAD_PATH = re.compile(
    r"(^|/)(vendor|vendored|_vendor|third_party|third-party|3rdparty|node_modules|dist|build|cjs|esm|umd|_esm|_cjs|lib\.commonjs|lib\.esm|"
    r"external|deps|extern|contrib|testdata|fixtures|snapshots|generated|bindings|unicode|tables?)/"
    r"|\.min\.|\.d\.[mc]?ts$|_pb2|\.pb\.go$|zz_generated|(^|/)(bindings|tables?|unicode\w*)\.rs$|bundle|debian/"
)
GENERATED = re.compile(r"@generated|auto-?generated|generated (by|from|code|file|with)|do not (edit|modify)|machine generated", re.I)
COPYLEFT = re.compile(r"GNU (Lesser |Affero )?General Public|Mozilla Public License|\bGPL", re.I)


def language_of(path: str, package: dict) -> str | None:
    suffix = Path(path).suffix
    language = package.get("language") if suffix == ".h" else LANGUAGES.get(suffix)
    return language if language in REGISTRY_LANGUAGES.get(package["registry"], {package.get("language")}) else None


def reject(text: str) -> str | None:
    """Why this text is not wanted, or None."""
    lines = text.split("\n")
    if len(text) > 200_000 or len(text) < 200 or len(lines) < 8:
        return "size"
    longest = max(map(len, lines))
    if longest > 400 or len(text) / len(lines) > 90:
        return "long lines"
    if GENERATED.search(text[:2000]):
        return "generated"
    if COPYLEFT.search(text[:6000]):
        return "copyleft"
    letters = sum(map(str.isalpha, text))
    digits = sum(map(str.isdigit, text))
    if digits > 0.15 * len(text) or letters < 0.3 * len(text) or text.count("\\x") * 20 > len(text):
        return "data"
    return None


def shingles(text: str) -> list[int]:
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if len(line) > 3]
    return [hash(tuple(lines[i : i + 3])) for i in range(len(lines) - 2)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    args = parser.parse_args()
    manifest = json.loads((HERE / "manifest.json").read_text())
    manifest.sort(key=lambda p: p["split"])  # held-out first
    seen: set[int] = set()
    kept, dropped, sizes, names = Counter(), Counter(), Counter(), {}
    for package in manifest:
        if package["split"] == "heldout":
            names[package["name"]] = True
        elif package["name"] in names:
            continue  # another version of a held-out package
        root = args.data / "raw" / package["path"]
        out = args.data / "files" / package["split"] / f"{package['registry']}__{root.name}.jsonl"
        out.parent.mkdir(parents=True, exist_ok=True)
        records = []
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            language = language_of(name, package)
            if language is None or not path.is_file() or path.is_symlink():
                continue
            if package["registry"] in ("npm", "debian"):
                name = name.split("/", 1)[-1]
            if BAD_PATH.search(name):
                dropped["path"] += 1
                continue
            try:
                text = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
            except UnicodeDecodeError:
                dropped["not utf-8"] += 1
                continue
            reason = reject(text)
            if reason is None:
                marks = shingles(text)
                if sum(mark in seen for mark in marks) * 2 > len(marks):
                    reason = "near-duplicate"
                seen.update(marks)
            if reason:
                dropped[reason] += 1
                continue
            records.append(json.dumps(dict(path=name, language=language, text=text), ensure_ascii=False))
            kept[package["split"], language] += 1
            sizes[package["split"], language] += len(text)
        if records:
            out.write_text("\n".join(records) + "\n")
    for key in sorted(sizes):
        print(f"{key[0]:8} {key[1]:11} {kept[key]:6} files {sizes[key] / 1e6:7.1f} MB")
    print("dropped:", dict(dropped))


if __name__ == "__main__":
    main()
