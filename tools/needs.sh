#!/bin/sh
# Says in one sentence what is missing on this machine to build HybridMix, and stops.
set -eu
python=${PYTHON:-python3}

fail() {
    echo "make: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    fail "Python 3.11 or newer is needed and '$python' was not found; install it, or name it with: make PYTHON=/path/to/python3.11"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed and '$python' is $("$python" -V 2>&1); name another one with: make PYTHON=/path/to/python3.11"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "Python's venv module is needed and '$python' has none; install it (Debian, Ubuntu: apt install python3-venv)."
command -v cargo >/dev/null 2>&1 ||
    fail "Rust 1.89 or newer is needed and 'cargo' was not found; install it from https://rustup.rs."
rust=$(rustc --version | cut -d ' ' -f 2)
case $rust in
    0.* | 1.[0-9].* | 1.[0-7][0-9].* | 1.8[0-8].*) fail "Rust 1.89 or newer is needed and rustc is $rust; update it with: rustup update stable" ;;
esac
command -v cc >/dev/null 2>&1 || fail "A C compiler is needed to link the plugin and 'cc' was not found; install gcc or clang."
