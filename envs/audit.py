"""Known vulnerabilities of the locked packages, by pip-audit; says so where no service can be asked.

make audit
"""

import json
import subprocess
import sys
from pathlib import Path

LOCKS = [Path(__file__).with_name(name) for name in ("requirements.lock", "cluster.lock", "crate.lock")]


def audit(lock: Path) -> tuple[list[str], list[str], str]:
    """Return the packages of a lock that were audited, what is known against them, and why others were not."""
    command = ["pip_audit", "--format=json", "--progress-spinner=off", "--disable-pip", "--require-hashes", "-r", lock]
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
    bad = False
    for lock in LOCKS:
        audited, known, reason = audit(lock)
        for line in known:
            print(f"{lock.name}: {line}")
        if audited:
            print(f"{lock.name}: {len(audited)} packages audited, {len(known)} known vulnerabilities")
        else:
            print(f"{lock.name}: audit left out, no vulnerability service answers from here ({reason})")
        bad = bad or bool(known)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
