"""A Slurm cluster of one node on the loopback, in one folder, without systemd and accounting.

    python tests/slurm/cluster.py FOLDER COMMAND...   runs a command with the cluster up, and takes it down again

Needs Debian's `slurm-wlm` and `munge` (or any Slurm from 22.05) and root.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# Jobs do not get SLURM_CONF handed on, so the configuration has to be found where Slurm looks by itself.
SYSTEM = Path("/etc/slurm/slurm.conf")
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")

CONFIGURATION = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MpiDefault=none
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Feature=kind1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE OverSubscribe=NO State=UP
"""


def lacking() -> str:
    """Return why no cluster can be brought up here; empty where one can."""
    missing = [name for name in NEEDED if shutil.which(name, path=_path()) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian: apt-get install slurm-wlm munge)"
    if SYSTEM.exists() and not _abandoned():
        return f"{SYSTEM} belongs to a cluster that is here already"
    return "" if os.geteuid() == 0 else "not root"


class Cluster:
    """The daemons of one cluster; `up` on entry, `down` on exit.

    Parameters
    ----------
    folder : Path
        An empty folder for configuration, state and logs; its path must be short, for the sake of a socket in it.
    """

    def __init__(self, folder: Path, cores: int = 2) -> None:
        self.folder, self.host = folder, socket.gethostname().split(".")[0]
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        ports = [_free_port() for _ in range(2)]
        text = CONFIGURATION.format(
            host=self.host, folder=folder, controller_port=ports[0], node_port=ports[1], cores=cores, memory=memory
        )
        (folder / "slurm.conf").write_text(text)
        for name in ("state", "spool"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o600)
        self.environment = os.environ | {"PATH": _path()}

    def __enter__(self) -> "Cluster":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Start munged, the controller and the node, and wait until jobs can run."""
        at = self.folder
        SYSTEM.parent.mkdir(exist_ok=True)
        SYSTEM.unlink(missing_ok=True)  # a link that an earlier cluster left behind
        SYSTEM.symlink_to(at / "slurm.conf")
        files = [f"--{name.split('.')[1]}-file={at / name}" for name in ("munged.pid", "munged.log", "munged.seed")]
        self.call("munged", "--force", f"--socket={at / 'munge.socket'}", f"--key-file={at / 'munge.key'}", *files)
        wait_for(lambda: (at / "munge.socket").exists(), 10, "munged does not answer")
        self.call("slurmctld")
        self.start_node()

    def start_node(self) -> None:
        """Start the node's daemon and wait until it is ready for jobs."""
        self.call("slurmd")
        wait_for(lambda: self.state() in ("idle", "mixed", "allocated"), 60, "the node does not come up")

    def stop_node(self) -> None:
        """Stop the node's daemon, as when a machine is switched off, and tell the controller that it is gone."""
        self._end("slurmd")
        self.call("scontrol", "update", f"nodename={self.host}", "state=down", "reason=test")

    def down(self) -> None:
        """Cancel every job and stop all daemons."""
        subprocess.run(["scancel", "--user=root"], env=self.environment, check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name)
        SYSTEM.unlink()

    def call(self, *command: str) -> str:
        """Run a command against this cluster and return its output; raise RuntimeError with its errors."""
        finished = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        if finished.returncode:
            raise RuntimeError(f"{' '.join(command)}: {finished.stderr.strip()}")
        return finished.stdout

    def state(self) -> str:
        """Return the state of the node, such as "idle"."""
        return self.call("sinfo", "--noheader", "--format=%T").strip()

    def jobs(self, state: str = "RUNNING") -> list[str]:
        """Return the numbers of the jobs in a state."""
        return self.call("squeue", "--noheader", f"--states={state}", "--format=%i").split()

    def _end(self, daemon: str) -> None:
        file = self.folder / f"{daemon}.pid"
        try:
            process = int(file.read_text())
            os.kill(process, signal.SIGTERM)
        except (OSError, ValueError):
            return
        wait_for(lambda: not Path(f"/proc/{process}").exists(), 30, f"{daemon} does not end")


def wait_for(ready: Callable[[], bool], seconds: float, problem: str) -> None:
    """Wait until `ready`, at most `seconds`; raise RuntimeError with `problem`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(problem)
        time.sleep(0.2)


def _abandoned() -> bool:
    """Return whether the configuration is a link to a cluster of these tests that was killed."""
    if not SYSTEM.is_symlink():
        return False
    try:
        controller = int((SYSTEM.resolve().parent / "slurmctld.pid").read_text())
        return Path(f"/proc/{controller}/comm").read_text().strip() != "slurmctld"
    except (OSError, ValueError):
        return True


def _path() -> str:
    return f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    problem = lacking()
    if problem:
        sys.exit(f"no Slurm here: {problem}")
    with Cluster(Path(sys.argv[1]).resolve()) as cluster:
        sys.exit(subprocess.run(sys.argv[2:], env=cluster.environment).returncode)
