#!/usr/bin/env bash
# ctest: label=fast timeout=120
# ./dev demo and ./dev soak against a stand-in for mm1: they pass when all is well, and each of their expectations
# fails when it should.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cp "$MM1_SOURCE_DIR/dev" "$MM1_SOURCE_DIR/CMakePresets.json" .
mkdir -p scenarios/kv
echo '{}' >scenarios/kv/quorum.json
cat >CMakeLists.txt <<'TEXT'
cmake_minimum_required(VERSION 3.23)
project(stand_in NONE)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/systems)
file(COPY_FILE ${CMAKE_SOURCE_DIR}/mm1.sh ${CMAKE_BINARY_DIR}/mm1)
file(WRITE ${CMAKE_BINARY_DIR}/systems/kv.so "stand-in")
add_custom_target(mm1_user)
TEXT
cat >mm1.sh <<'TEXT'
#!/bin/sh
# Two of the seeds of lost-write.json fail. BREAK names what goes wrong.
case "$1 $2 $4" in
"sim scenarios/kv/lost-write.json 1..200")
    [ "$BREAK" != lines ] && printf 'seed 63 property hash 00000000000000ef\nseed 7 property hash 00000000000000b7\n'
    echo 'a failure block'
    [ "$BREAK" = passes ] && exit 0
    exit 11 ;;
"sim scenarios/kv/lost-write.json 7")
    [ "$BREAK" = again ] && echo 'seed 7 property hash 00000000000000b8' || echo 'seed 7 property hash 00000000000000b7'
    exit 11 ;;
"replay build/demo/lost-write.db ")
    case $BREAK in
    silent) echo 'replayed' ;;
    differs) echo 'replayed: hash matches 00000000000000b9' ;;
    *) echo 'replayed: hash matches 00000000000000b7' ;;
    esac
    [ "$BREAK" = replay ] && exit 13
    exit 11 ;;
"sim scenarios/kv/quorum.json 1..200")
    [ "$BREAK" = quorum ] && exit 11
    exit 0 ;;
"sim scenarios/kv/quorum.json "*)
    [ "$BREAK" = soak ] && exit 11
    from=${4%..*} to=${4#*..}
    [ "$BREAK" = missing ] && to=$((to - 1))
    salt=0
    [ "$BREAK" = mismatch ] && [ -n "${MM1_SOAK_PAD:-}" ] && salt=1
    seq "$from" "$to" | while read -r seed; do
        [ "$BREAK" = constant ] && seed_hash=5 || seed_hash=$((seed * 3 + salt))
        printf 'seed %d passed hash %016x\n' "$seed" "$seed_hash"
    done
    exit 0 ;;
esac
exit 1
TEXT
chmod +x mm1.sh
failures=0

# wants CODE BREAK VERB…
wants() {
    local wanted=$1 broken=$2 code=0
    shift 2
    BREAK=$broken ./dev "$@" >out.txt 2>&1 </dev/null || code=$?
    if [ "$code" -ne "$wanted" ]; then
        echo "dev $*, broken: ${broken:-nothing}: expected exit code $wanted, got $code"
        cat out.txt
        failures=$((failures + 1))
    fi
}

said() {
    grep -qF "$1" out.txt || { echo "not said: $1"; cat out.txt; failures=$((failures + 1)); }
}

wants 0 "" demo
said 'Seed 7 is the first'
for broken in lines passes again silent differs replay quorum; do
    wants 1 $broken demo
done

for broken in soak missing mismatch constant; do
    rm -rf build/soak
    wants 1 $broken soak 100
done
rm -rf build/soak
wants 0 "" soak 1500
wants 0 "" soak 2500
said '(1000 in an earlier run); 0 chunks failed; 2500 distinct hashes'
wants 0 soak soak 2500
said '(2500 in an earlier run)'

# Only what is missing is installed, and a failing apt-get is named with what it should have done.
mkdir fake
cat >fake/dpkg-query <<'TEXT'
#!/bin/sh
for package; do :; done
case $package in librandom123-dev) exit 1 ;; libuv1-dev) printf config-files ;; *) printf installed ;; esac
TEXT
printf '#!/bin/sh\necho "apt-get $*"\n[ -z "$APT_FAILS" ]\n' >fake/apt-get
printf '#!/bin/sh\nexec "$@"\n' >fake/sudo
chmod +x fake/*
export PATH=$scratch/fake:$PATH
wants 0 "" build
said 'install -y --no-install-recommends libuv1-dev librandom123-dev'
APT_FAILS=1 wants 1 "" build
said 'apt-get could not install: libuv1-dev librandom123-dev'

wants 1 "" build nonsense
wants 1 "" nonsense
wants 0 "" help
echo "dev: $failures failures"
exit $((failures > 0))
