#!/usr/bin/env python3
"""The Debian package on a bare Debian that is booted: scripts/package, debootstrap, systemd. See --help."""
import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATEWAY, EDGE = "telemetry-gateway", "telemetry-edge"
CONFIG = "/etc/telemetry/gateway.yaml"
DATA = "/var/lib/telemetry"
UNITS = [f"/lib/systemd/system/{name}.service" for name in (GATEWAY, EDGE)]
EXPOSURE_MAX = 2.0
PATIENCE_S = 90
PACKAGES = ["systemd", "systemd-sysv", "mosquitto", "mosquitto-clients", "curl"]

# What systemd as the first process of a container finds: https://systemd.io/CONTAINER_INTERFACE
BOOT = """
set -e
root=$1
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount --rbind /dev "$root/dev"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  legacy=0
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
  legacy=1
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
cd "$root"
pivot_root . .  # from a chroot nobody may make a user namespace (PrivateUsers=)
umount -l .
mount --make-rshared /  # which systemd expects of whoever boots it: credentials arrive by that
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
  systemd.legacy_systemd_cgroup_controller=$legacy
"""


def say(what):
    print(f"--- {what}", flush=True)


def run(*command, check=True, **more):
    """Runs it; standard output, and with check=False what subprocess.run() returns."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, **more)
    if not check:
        return done
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def until(what, found, *arguments):
    """Asks until the answer is true; that answer."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if answer := found(*arguments):
            return answer
        time.sleep(0.1)
    sys.exit(f"in {PATIENCE_S} s not: {what}")


def require(condition, what):
    if not condition:
        sys.exit(f"not so: {what}")


class Machine:
    """A bare Debian in a folder: first what is installed there, then booted."""

    def __init__(self, folder, suite):
        self.root = folder / "root"
        say(f"Debian {suite} by debootstrap")
        run("debootstrap", "--variant=minbase", suite, self.root)
        self.write("/etc/hosts", "127.0.0.1 localhost\n")
        self.enter = ["chroot", self.root]
        # A control group of its own in the one hierarchy, or in each of the older kind.
        top = pathlib.Path("/sys/fs/cgroup")
        tops = [top] if (top / "cgroup.controllers").exists() else [one for one in top.iterdir() if one.is_dir()]
        self.groups = [one.resolve() / f"telemetry_package.{os.getpid()}" for one in tops]

    def run(self, *command, **more):
        return run(*self.enter, *command, **more)

    def apt(self, *arguments):
        """Network and /proc are this machine's."""
        run("unshare", "--mount", "sh", "-c", 'mount -t proc proc "$1/proc"; shift; exec "$@"', "sh", self.root,
            "chroot", self.root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "--no-install-recommends",
            *arguments)

    @contextlib.contextmanager
    def booted(self):
        for group in self.groups:
            group.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if group.parent.name == "cpuset":
                    (group / name).write_text((group.parent / name).read_text())
        process = subprocess.Popen(
            ["sh", "-c", 'read -r go; exec "$@"', "sh",
             "unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup", "--fork", "--kill-child",
             "sh", "-c", BOOT, "sh", self.root], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            for group in self.groups:
                (group / "cgroup.procs").write_text(str(process.pid))
            process.stdin.write("go\n")
            process.stdin.flush()
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
            first = until("a first process", children.read_text).split()[0]
            until("systemd runs", lambda: pathlib.Path(f"/proc/{first}/comm").read_text() == "systemd\n")
            self.enter = ["nsenter", f"--target={first}", "--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup",
                          "--root", "--wd=/", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
            until("systemd answers", lambda: self.run(
                "systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"))
            yield
        except SystemExit:
            print(self.run("journalctl", "--no-pager", "-n", "60", check=False).stdout, file=sys.stderr)
            raise
        finally:
            process.kill()  # all others end with it
            process.wait()
            until("the groups are empty", self.remove_groups)

    def remove_groups(self):
        with contextlib.suppress(OSError):
            for group in self.groups:
                for folder, _, _ in os.walk(group, topdown=False):
                    os.rmdir(folder)
        return not any(group.exists() for group in self.groups)

    def write(self, path, text):
        (self.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path[1:]).write_text(text)

    def replace(self, path, old, new):
        text = (self.root / path[1:]).read_text()
        require(old in text, f"{path} holds {old}")
        (self.root / path[1:]).write_text(text.replace(old, new))

    def drop_in(self, text):
        self.write(f"/etc/systemd/system/{GATEWAY}.service.d/test.conf", "[Unit]\nStartLimitIntervalSec=0\n[Service]\n" + text)
        self.run("systemctl", "daemon-reload")

    def show(self, unit, key):
        return self.run("systemctl", "show", "--value", "-p", key, unit).strip()

    def is_active(self, unit):
        return self.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active"

    def process(self, unit):
        """Its number out here; 0 while it does not run."""
        inside = self.show(unit, "MainPID")
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                lines = status.read_text().split("\n")
                if f"Name:\t{unit[:15]}" in lines and f"NSpid:\t{status.parent.name}\t{inside}" in lines:
                    return int(status.parent.name)
        return 0

    def store(self, topic, payload="21.5"):
        """A message goes in at the broker and comes out of the store."""
        self.run("mosquitto_pub", "-q", "1", "-t", topic, "-m", payload)
        as_its_user = ["setpriv", "--reuid=telemetry", "--regid=telemetry", "--clear-groups"]
        until(f"{topic} is stored", lambda: topic in self.run(
            *as_its_user, "telemetry", "query", "--config", CONFIG, topic))


class Stopped:
    """One thread of a process stands still, as in an endless wait."""

    any_thread = 0x40000000  # __WALL

    def __init__(self, thread):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.thread = thread

    def __enter__(self):
        attach = 16
        if self.libc.ptrace(attach, self.thread, None, None) != 0:
            sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
        os.waitpid(self.thread, self.any_thread)

    def __exit__(self, *_):
        detach = 17
        if self.libc.ptrace(detach, self.thread, None, None) != 0:  # it was killed
            os.waitpid(self.thread, self.any_thread)


def threads_in(process, call):
    """Its threads that wait in this system call (its number on x86-64)."""
    found = []
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        if (task / "syscall").read_text().split()[0] == str(call):
            found.append(int(task.name))
    return found


def check_installation(machine, deb):
    say("dpkg -i, apt-get -f install")
    shutil.copy(deb, machine.root / "telemetry.deb")
    machine.apt("update")
    machine.run("dpkg", "-i", "/telemetry.deb", check=False)  # what it depends on is not there
    machine.apt("-f", "install")
    state = machine.run("dpkg-query", "-W", "-f=${Status}", "telemetry")
    require(state == "install ok installed", f"telemetry is installed: {state}")
    for program in ("telemetry", "telemetry-sim", GATEWAY, EDGE):
        machine.run(program, "--help")
    checked = machine.run("telemetry", "config", "check", CONFIG, check=False)
    require(checked.returncode == 0 and "warning" not in checked.stdout + checked.stderr,
            f"the configuration is right: {checked.stdout}{checked.stderr}")
    rights = machine.run("stat", "-c", "%U:%G %a", CONFIG, DATA).split("\n")[:2]
    require(rights == ["root:telemetry 640", "telemetry:telemetry 750"], f"rights: {rights}")


def check_units(machine):
    say("systemd-analyze verify, security")
    for unit in UNITS:
        verified = machine.run("systemd-analyze", "verify", unit, check=False)
        require(verified.returncode == 0 and verified.stderr == "", f"{unit} is right: {verified.stderr}")
        judged = machine.run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}",
                             unit, check=False)
        print(re.search("Overall exposure.*", judged.stdout)[0])
        require(judged.returncode == 0, f"an exposure of at most {EXPOSURE_MAX}")


def check_start(machine):
    say("the service starts before its broker does, and stores and serves")
    for unit in (GATEWAY, EDGE):
        enabled = machine.run("systemctl", "is-enabled", unit, check=False).stdout.strip()
        require(enabled == "disabled" and not machine.is_active(unit), f"{unit} waits to be configured")
    machine.run("systemctl", "stop", "mosquitto")
    machine.run("systemctl", "enable", "--now", GATEWAY)
    status = machine.show(GATEWAY, "StatusText")
    require(status.startswith("0 of 1 broker connected"), f"status: {status}")
    machine.run("systemctl", "start", "mosquitto")
    until("it says that it is connected", lambda: machine.show(GATEWAY, "StatusText").startswith("1 of 1 broker"))
    machine.store("hall")
    machine.run("telemetry", "query", "--config", CONFIG, "hall")  # as root
    strangers = machine.run("find", DATA, "!", "-user", "telemetry")
    require(strangers == "", f"all data belong to the service: {strangers}")
    latest = json.loads(machine.run("curl", "-sf", "http://127.0.0.1:8080/api/data/latest?topic=hall"))
    require(latest["data"][0]["payload"] == 21.5, f"it serves: {latest}")
    status = pathlib.Path(f"/proc/{machine.process(GATEWAY)}/status").read_text()
    user = machine.run("id", "-u", "telemetry").strip()
    for line in (rf"Uid:\t{user}\t{user}\t{user}\t{user}", r"CapBnd:\t0+", r"NoNewPrivs:\t1", r"Seccomp:\t2"):
        require(re.search(f"^{line}$", status, re.MULTILINE), f"{line} in its status")


def check_reload(machine):
    say("systemctl reload says what came of it")
    schema = "/etc/telemetry/schemas/room.yaml"
    machine.write(schema, 'name: room\nversion: "1.0"\ntopic_pattern: room/{device}\nfields:\n'
                          "  - {name: level, type: float, required: true}\n")
    machine.run("systemctl", "reload", GATEWAY)
    machine.store("room/1", '{"level": 5}')
    machine.replace(schema, "float", "flaot")
    require(machine.run("systemctl", "reload", GATEWAY, check=False).returncode != 0, "a mistake is refused")
    require("room.yaml:5:" in machine.run("journalctl", "-u", GATEWAY), "the journal has its place")
    require(machine.is_active(GATEWAY), "it goes on")
    machine.replace(schema, "flaot", "float")


def check_watchdog(machine):
    """x86-64: which thread is which is told from the call that it waits in."""
    if os.uname().machine != "x86_64":
        return
    for name, call in (("the broker's thread", 271), ("the web server's thread", 232)):  # ppoll, epoll_wait
        say(f"the watchdog finds that {name} hangs")
        machine.drop_in("WatchdogSec=4\nRestartSec=0\n")
        machine.run("systemctl", "restart", GATEWAY)
        until("it is connected", lambda: machine.show(GATEWAY, "StatusText").startswith("1 of 1 broker"))
        process = machine.process(GATEWAY)
        [thread] = until(f"{name} waits", threads_in, process, call)
        with Stopped(thread):
            until("the watchdog ends it", lambda: machine.show(GATEWAY, "SubState") == "stop-watchdog")
        until("it is restarted", lambda: machine.show(GATEWAY, "NRestarts") == "1" and machine.is_active(GATEWAY))
        machine.store(f"after/{call}")
    machine.drop_in("")


def check_ends(machine):
    say("killed: again; wrong configuration: not again; SIGTERM: exit code 0")
    machine.drop_in("RestartSec=0\n")
    machine.run("systemctl", "restart", GATEWAY)
    os.kill(machine.process(GATEWAY), 9)
    until("it is restarted", lambda: machine.show(GATEWAY, "NRestarts") == "1" and machine.is_active(GATEWAY))
    machine.store("after/kill")
    machine.replace(CONFIG, "size_max_mb: 1024", "size_max_mb: many")
    require(machine.run("systemctl", "restart", GATEWAY, check=False).returncode != 0, "wrong configuration fails")
    until("it has failed", lambda: machine.show(GATEWAY, "ActiveState") == "failed")
    require(machine.show(GATEWAY, "ExecMainStatus") == "2", "with exit code 2")
    machine.replace(CONFIG, "size_max_mb: many", "size_max_mb: 1024")
    machine.run("systemctl", "restart", GATEWAY)
    machine.run("systemctl", "stop", GATEWAY)
    ended = [machine.show(GATEWAY, key) for key in ("Result", "ExecMainStatus")]
    require(ended == ["success", "0"], f"a stop is a success: {ended}")


def check_other(machine):
    say("one of the two runs, and the other takes over")
    for other, one in ((GATEWAY, EDGE), (EDGE, GATEWAY)):
        machine.run("systemctl", "start", other)
        machine.run("systemctl", "start", one)
        require(machine.is_active(one) and not machine.is_active(other), f"{one} has taken over")
        machine.store(f"by/{one}")
        require(machine.show(one, "NRestarts") == "0", "at once")


def check_password(machine):
    say("a password as a credential; users where the network may ask")
    machine.run("mosquitto_passwd", "-b", "-c", "/etc/mosquitto/passwords", "telemetry", "secret-of-mqtt")
    machine.run("chown", "mosquitto", "/etc/mosquitto/passwords")
    machine.write("/etc/mosquitto/conf.d/users.conf",
                  "listener 1883 127.0.0.1\nallow_anonymous false\npassword_file /etc/mosquitto/passwords\n")
    machine.run("systemctl", "restart", "mosquitto")
    machine.write("/etc/telemetry/mqtt_password", "secret-of-mqtt\n")
    machine.run("chmod", "600", "/etc/telemetry/mqtt_password")
    machine.replace(CONFIG, "# username", "username")
    machine.replace(CONFIG, "# password_file: /run/credentials", "password_file: /run/credentials")
    machine.replace(CONFIG, "host: 127.0.0.1", "host: 0.0.0.0")
    machine.replace(CONFIG, "enabled: false", "enabled: true")
    machine.drop_in("LoadCredential=mqtt_password:/etc/telemetry/mqtt_password\n")
    machine.run("systemctl", "stop", GATEWAY)
    password = machine.run("telemetry", "user", "add", "anna", "--role", "admin", "--generate", "-c", CONFIG,
                           "--set", "mqtt.password_file=/etc/telemetry/mqtt_password")
    password = re.search(r"\S{20,}", password)[0]
    machine.run("systemctl", "start", GATEWAY)
    until("it is connected", lambda: machine.show(GATEWAY, "StatusText").startswith("1 of 1 broker"))
    url = "http://127.0.0.1:8080/api/data/latest"
    until("it serves", lambda: machine.run("curl", "-s", url, check=False).returncode == 0)
    require(machine.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url) == "401", "nobody may ask")
    machine.run("curl", "-sf", "-u", f"anna:{password}", url)


def check_upgrade_and_purge(machine):
    say("an upgrade starts it again; a purge leaves only data")
    before = machine.process(GATEWAY)
    machine.run("dpkg", "-i", "/telemetry.deb")
    require(machine.is_active(GATEWAY) and machine.process(GATEWAY) != before, "the new one runs")
    require(machine.show(GATEWAY, "UnitFileState") == "enabled", "it stays enabled")
    require("secret" not in machine.run("journalctl"), "no password in the log")
    require("password_file: /run" in machine.run("cat", CONFIG), "what was configured stays")
    shutil.rmtree(machine.root / f"etc/systemd/system/{GATEWAY}.service.d")  # the test's own
    (machine.root / "telemetry.deb").rename(machine.root / "the.deb")
    said = machine.run("dpkg", "--purge", "telemetry")
    require(f"The data stay in {DATA}" in said, f"it says where the data are: {said}")
    require(not machine.process(GATEWAY), "it is stopped")
    left = machine.run("find", "/", "-xdev", "-name", "*telemetry*", "!", "-path", f"{DATA}/*").split()
    require(left == [DATA], f"only data are left: {left}")
    machine.run("id", "telemetry")
    shutil.rmtree(machine.root / DATA[1:])
    machine.run("dpkg", "-i", "/the.deb")
    machine.run("dpkg", "--purge", "telemetry")
    require(machine.run("id", "telemetry", check=False).returncode != 0, "without data the user goes, too")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deb", help="this package instead of one that scripts/package makes now")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        sys.exit("needs root and debootstrap (apt install debootstrap): it makes a bare Debian and boots it")
    deb = arguments.deb or run(ROOT / "scripts" / "package", env=os.environ | {"LC_ALL": "C"}).split("\n")[-2]
    suite = re.search("^VERSION_CODENAME=(.*)$", pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)[1]
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="telemetry_package.") as folder:
        os.chmod(folder, 0o755)
        machine = Machine(pathlib.Path(folder), suite)
        check_installation(machine, ROOT / deb)
        machine.apt("install", *PACKAGES)
        check_units(machine)
        with machine.booted():
            for check in (check_start, check_reload, check_watchdog, check_ends, check_other, check_password,
                          check_upgrade_and_purge):
                check(machine)
    print("passed")


if __name__ == "__main__":
    main()
