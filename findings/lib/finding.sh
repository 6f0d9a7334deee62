# SPDX-License-Identifier: Apache-2.0
# Sourced by every finding: a temporary folder $work that goes at exit with every program started in it, and pinned installs.
set -euo pipefail
lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
started=()
finish() {
  local status=$?
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
export PYTHONPATH=$lib PYTHONDONTWRITEBYTECODE=1
cd "$work"

# debian PACKAGE=VERSION...: unpacked below $work/debian, not installed. apt refuses another version.
debian() {
  mkdir -p debian debs
  (cd debs && apt-get download -qq -o APT::Sandbox::User=root "$@" >/dev/null)
  for file in debs/*.deb; do dpkg-deb -x "$file" debian; done
  export LD_LIBRARY_PATH=$work/debian/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
  echo "installed: $*"
}

# python_packages PACKAGE==VERSION...: a virtual environment; its interpreter is $python.
python_packages() {
  python3 -m venv venv
  python=$work/venv/bin/python
  "$python" -m pip install -q --no-compile --disable-pip-version-check "$@"
  echo "installed: $* ($("$python" -V))"
}

# node_packages PACKAGE@VERSION...: below $work/node_modules.
node_packages() {
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" "$@" >/dev/null
  echo "installed: $* (Node.js $(node --version))"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start LOG COMMAND...: in the background, ended at exit; its process is $!.
start() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  started+=($!)
}

# await_port PORT LOG: until the program started last listens; it may take 3 minutes on a busy machine.
await_port() {
  python3 - "$1" "${started[-1]}" <<'PY' || { tail -20 "$2" >&2; exit 2; }
import os, socket, sys, time

end = time.monotonic() + 180
while time.monotonic() < end:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
        sys.exit(0)
    except OSError:
        os.kill(int(sys.argv[2]), 0)  # fails when the program has ended
        time.sleep(0.1)
sys.exit(f"nothing listens on port {sys.argv[1]}")
PY
}

# mosquitto_broker [LINE...]: Debian 12's mosquitto with these lines of configuration, on $port; its log is broker.log.
mosquitto_broker() {
  debian mosquitto=2.0.11-1.2+deb12u2 libdlt2=2.18.8-6 libwrap0=7.6.q-32
  port=$(free_port)
  printf '%s\n' "listener $port 127.0.0.1" "allow_anonymous true" "$@" >broker.conf
  start broker.log debian/usr/sbin/mosquitto -c broker.conf
  await_port "$port" broker.log
  export port
}
