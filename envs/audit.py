"""Known vulnerabilities of the locked packages, by pip-audit; says so where no service can be asked.

make audit
"""

import json
import subprocess
import sys
from pathlib import Path

LOCKS = sorted(Path(__file__).parent.glob("*.lock"))


def audit() -> tuple[list[str], list[str], str]:
    """Return the packages of all locks that were audited, what is known against them, and why others were not."""
    command = ["pip_audit", "--format=json", "--progress-spinner=off", "--disable-pip", "--require-hashes"]
    command += [word for lock in LOCKS for word in ("-r", str(lock))]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], [], (done.stderr.strip().splitlines() or ["no answer"])[-1]
    audited = [package for package in packages if "vulns" in package]
    known = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
        for package in audited
        for found in package["vulns"]
    ]
    left = [package["skip_reason"] for package in packages if "skip_reason" in package]
    return [package["name"] for package in audited], known, left[0] if left else ""


def main() -> int:
    """Audit every lock; return 1 where a vulnerability is known."""
    audited, known, reason = audit()
    for line in known:
        print(line)
    if audited:
        print(f"{len(audited)} packages audited, {len(known)} known vulnerabilities")
    else:
        print(f"audit left out, no vulnerability service answers from here ({reason})")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
