# shellcheck shell=bash
# Shared by dev/bench and dev/profile: the load driver, and the daemons it can drive. Source it after lib.sh.

TARGETS=()

# Builds the load driver and sets DRIVER, the command that runs a class of it.
build_driver() {
    JAVA_HOME=$(find_jdk25) || die "no JDK 25" "run dev/setup"
    export JAVA_HOME
    if [ "${1:-build}" = build ]; then
        step "build the load driver" mvn -q -B -f "$PORTHOLE_ROOT/pom.xml" -pl perf -am -DskipTests package
    fi
    local lib=$PORTHOLE_ROOT/perf/target/lib
    [ -d "$lib" ] || die "the load driver is not built" "run without --no-build"
    # Read by the scripts that source this.
    # shellcheck disable=SC2034
    DRIVER=("$JAVA_HOME/bin/java" -XX:+UseSerialGC -Xms256m -XX:-UsePerfData --enable-native-access=ALL-UNNAMED
        --sun-misc-unsafe-memory-access=allow -cp "$PORTHOLE_ROOT/perf/target/classes:$(printf '%s:' "$lib"/*.jar)")
}

# bench_scratch [DIR]: makes SCRATCH and SHARE (below DIR), removed at the end, and sets TREE.
bench_scratch() {
    SCRATCH=$(mktemp -d)
    # Reads and writes meet memory, not a disk: /dev/shm where there is one.
    if [ -n "${1:-}" ]; then SHARE=$(mktemp -d -p "$1"); else SHARE=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d); fi
    trap 'rm -rf "$SCRATCH" "$SHARE"' EXIT
    # shellcheck disable=SC2034
    TREE=${PORTHOLE_BENCH_TREE:-$PORTHOLE_CACHE/trixie/usr}
    [ -d "$TREE" ] || die "no tree at $TREE" "run dev/setup, or set PORTHOLE_BENCH_TREE"
}

# add_target NAME: appends to TARGETS.
add_target() {
    local both="--socket-path={socket} --shared-dir={share} --allow-direct-io"
    case $1 in
        porthole)
            local exe=$PORTHOLE_ROOT/dist/bin/virtiofsd
            [ -x "$exe" ] || die "$exe is missing" "run dev/build"
            TARGETS+=(--target "porthole=$exe $both --request-queues={queues} ${porthole_more:-}") ;;
        rust) TARGETS+=(--target "rust=$PORTHOLE_CACHE/bin/virtiofsd-rust $both") ;;
        c) TARGETS+=(--target "c=$PORTHOLE_CACHE/bin/virtiofsd-c --socket-path={socket} -o source={share} -o allow_direct_io") ;;
        bare)
            command -v gcc >/dev/null ||
                die "the bare loop needs gcc" "apt-get install gcc libc6-dev, or --targets without bare"
            gcc -O2 -o "$SCRATCH/bare" "$PORTHOLE_ROOT/perf/src/main/c/bare.c" -lpthread
            TARGETS+=(--target "bare=$SCRATCH/bare {socket} {share}") ;;
        *) die "no daemon is called $1" "there are porthole, rust, c and bare" ;;
    esac
}
