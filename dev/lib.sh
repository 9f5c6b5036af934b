# shellcheck shell=bash
# Shared by the scripts of dev/: where things are, how steps are shown, which JDK to use. Source it, do not run it.

set -euo pipefail

PORTHOLE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PORTHOLE_CACHE=${PORTHOLE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/porthole}
export PORTHOLE_ROOT PORTHOLE_CACHE

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
    C_BOLD=$'\e[1m' C_DIM=$'\e[2m' C_GREEN=$'\e[32m' C_RED=$'\e[31m' C_OFF=$'\e[0m' C_LINE=$'\r\e[K'
else
    C_BOLD='' C_DIM='' C_GREEN='' C_RED='' C_OFF='' C_LINE=''
fi

say() { printf '%s\n' "$*" >&2; }

# die WHAT [WHAT-TO-DO...]: one line that names the failure, then what to do about it.
die() {
    printf '%s%s: %s%s\n' "$C_RED" "$(basename "$0")" "$1" "$C_OFF" >&2
    shift
    local line
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

now_ms() { local t=$EPOCHREALTIME; t=${t/[.,]/}; printf '%s' "$((t / 1000))"; }

# The time of what is built: SOURCE_DATE_EPOCH, else that of the last commit, else a fixed one.
source_time() { echo "${SOURCE_DATE_EPOCH:-$(git -C "$PORTHOLE_ROOT" log -1 --format=%ct 2>/dev/null || echo 1767225600)}"; }

seconds() { printf '%d.%d s' "$(($1 / 1000))" "$(($1 % 1000 / 100))"; }

# step TITLE COMMAND...: runs the command with its output in the log and shows one line with the time it took.
# Ends the script when the command fails, with the end of the log and $STEP_HINT (what to do next).
# Call it plainly: in a condition (`step … || …`) the shell would not stop the command at its first failure.
STEP_LOG='' STEP_HINT=''
step() {
    local title=$1 begin rc=0 job
    shift
    begin=$(now_ms)
    [ -n "$STEP_LOG" ] || { mkdir -p "$PORTHOLE_CACHE/log"; STEP_LOG=$PORTHOLE_CACHE/log/$(basename "$0").log; : >"$STEP_LOG"; }
    printf '\n== %s\n' "$title" >>"$STEP_LOG"
    ("$@") >>"$STEP_LOG" 2>&1 </dev/null &
    job=$!
    if [ -n "$C_LINE" ]; then
        while kill -0 $job 2>/dev/null; do
            printf '%s   … %-58s %s%8s%s' "$C_LINE" "$title" "$C_DIM" "$(seconds $(($(now_ms) - begin)))" "$C_OFF" >&2
            sleep 0.2
        done
    fi
    wait $job || rc=$?
    if [ $rc -eq 0 ]; then
        printf '%s   %s✓%s %-58s %s%8s%s\n' "$C_LINE" "$C_GREEN" "$C_OFF" "$title" \
            "$C_DIM" "$(seconds $(($(now_ms) - begin)))" "$C_OFF" >&2
        return 0
    fi
    printf '%s   %s✗ %s%s\n' "$C_LINE" "$C_RED" "$title" "$C_OFF" >&2
    tail -n 20 "$STEP_LOG" | sed 's/^/     | /' >&2
    say "     whole log: $STEP_LOG"
    [ -z "$STEP_HINT" ] || say "     $STEP_HINT"
    exit 1
}

# jdk_version HOME: the feature version of a JDK with a compiler, or nothing. Reads a file, starts no JVM.
jdk_version() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
    sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

# find_jdk25: prints the home of a JDK 25 or newer; fails when there is none.
find_jdk25() {
    local home version on_path
    on_path=$(readlink -f "$(command -v javac 2>/dev/null || true)" 2>/dev/null || true)
    for home in "${JAVA_HOME:-}" "${on_path%/bin/javac}" ${PORTHOLE_JVM_DIRS-/usr/lib/jvm/* /opt/*jdk* \
        "${HOME:-/root}"/.sdkman/candidates/java/* "${HOME:-/root}"/.jdks/*} "$PORTHOLE_CACHE/jdk"; do
        [ -n "$home" ] || continue
        version=$(jdk_version "$home")
        if [ -n "$version" ] && [ "$version" -ge 25 ]; then
            printf '%s\n' "$home"
            return 0
        fi
    done
    return 1
}
