#!/usr/bin/python3
"""meta.py [DIR]: META.json holds what PGXN Meta Spec 1.0.0 requires, and the
version of the control file.  Prints each fault; exit status 1 if any."""
import json
import os
import re
import sys

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[a-z][a-z0-9-]*)?", re.I)
RANGE = re.compile(r"(([<>]=?|[!=]=)? ?(0|\d+\.\d+\.\d+(-[a-z0-9-]+)?)(, ?(?!$)|$))+", re.I)
TERM = re.compile(r"[^\s/\\\x00-\x1f]{2,}")
faults = []


def want(right, fault):
    if not right:
        faults.append(fault)
    return right


def texts(value):
    """A string or a list of strings, none empty."""
    value = value if isinstance(value, list) else [value]
    return bool(value) and all(isinstance(v, str) and v.strip() for v in value)


def main(top):
    with open(os.path.join(top, "META.json"), encoding="utf-8") as f:
        meta = json.load(f)
    with open(os.path.join(top, "pg_oms.control"), encoding="utf-8") as f:
        version = re.search(r"^default_version *= *'(.*)'", f.read(), re.M).group(1)

    for key in ("name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"):
        want(key in meta, f"required key {key} is missing")
    want(TERM.fullmatch(str(meta.get("name", ""))), "name is not a term")
    want(SEMVER.fullmatch(str(meta.get("version", ""))), "version is not a semantic version")
    want(texts(meta.get("abstract")), "abstract is empty")
    want(texts(meta.get("maintainer")), "maintainer must be text or a list of texts")
    licence = meta.get("license")
    want(texts(list(licence.values())) if isinstance(licence, dict) else texts(licence),
         "license must be text, a list of texts, or an object of name to URL")
    spec = meta.get("meta-spec", {})
    want(str(spec.get("version", "")).startswith("1."), "meta-spec.version must be 1.x")
    want(meta.get("release_status", "stable") in ("stable", "testing", "unstable"),
         "release_status is none of stable, testing, unstable")
    want(texts(meta.get("tags", ["none"])), "tags must be a list of texts")

    for name, part in meta.get("provides", {}).items():
        for key in ("file", "version"):
            want(key in part, f"provides.{name}.{key} is missing")
        want(SEMVER.fullmatch(str(part.get("version", ""))), f"provides.{name}.version is not a semantic version")
        for key in ("file", "docfile"):
            # The joined script is made by make; anything else must be there.
            if key in part and part[key] != f"sql/{name}--{version}.sql":
                want(os.path.exists(os.path.join(top, part[key])), f"provides.{name}.{key}: no file {part[key]}")
    want("pg_oms" in meta.get("provides", {}), "provides does not name pg_oms")
    for phase, kinds in meta.get("prereqs", {}).items():
        want(phase in ("configure", "build", "test", "runtime", "develop"), f"prereqs.{phase} is no phase")
        for kind, needs in kinds.items():
            want(kind in ("requires", "recommends", "suggests", "conflicts"), f"prereqs.{phase}.{kind} is no relation")
            for name, wanted in needs.items():
                want(RANGE.fullmatch(str(wanted)), f"prereqs.{phase}.{kind}.{name}: {wanted} is no version range")

    for where, found in [("version", meta.get("version"))] + [
            (f"provides.{n}.version", p.get("version")) for n, p in meta.get("provides", {}).items()]:
        want(found == version, f"{where} is {found}, pg_oms.control says {version}")

    for fault in faults:
        print(f"META.json: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")))
