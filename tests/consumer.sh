#!/usr/bin/env bash
# ctest: timeout=300
# Installs into a scratch folder and builds a program against it twice, through CMake and through pkg-config; then the
# template that was installed, in an empty folder: its tests, its command, and a bug that its tests find.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
flags=$(sed -n "s/^CMAKE_C_FLAGS:STRING='*\([^']*\).*/\1/p" "$MM1_BINARY_DIR/CMakeCache.txt")

cmake --install "$MM1_BINARY_DIR" --prefix "$prefix" >"$scratch/install.log" || { cat "$scratch/install.log"; exit 1; }
for header in "$MM1_SOURCE_DIR"/libmm1/include/mm1/*.h; do
    cmp "$header" "$prefix/include/mm1/${header##*/}"
done
with_sim=OFF
[ ! -f "$prefix/include/mm1/sim.h" ] || with_sim=ON

cmake -S "$MM1_SOURCE_DIR/tests/consumer" -B "$scratch/build" -G Ninja -DCMAKE_C_COMPILER="${CC:-cc}" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$prefix" -DWITH_SIM=$with_sim >"$scratch/log" &&
    cmake --build "$scratch/build" >>"$scratch/log" || { cat "$scratch/log"; exit 1; }
[ "$("$scratch/build/consumer")" = ok ]

pc=$(dirname "$(find "$prefix" -name mm1.pc)")
# shellcheck disable=SC2046,SC2086 # flags are words
"${CC:-cc}" $flags -o "$scratch/by-pc" "$MM1_SOURCE_DIR/tests/consumer/main.c" \
    $(PKG_CONFIG_PATH=$pc pkg-config --static --cflags --libs mm1)
[ "$("$scratch/by-pc")" = ok ]

# Every public header stands alone.
for header in "$prefix"/include/mm1/*.h; do
    printf '#include <mm1/%s>\nint main(void) { return 0; }\n' "${header##*/}" >"$scratch/alone.c"
    "${CC:-cc}" -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include" "$scratch/alone.c"
done
# The template.
cp -r "$prefix/share/mm1/template" "$scratch/template"
testing=ON
case $flags in *-fsanitize=thread*) testing=OFF ;; esac # Criterion cannot be used with ThreadSanitizer
template() {
    cmake -S "$scratch/template" -B "$scratch/template/build" -G Ninja -DCMAKE_C_COMPILER="${CC:-cc}" \
        -DCMAKE_C_FLAGS="$flags" -DCMAKE_PREFIX_PATH="$prefix" -DBUILD_TESTING=$testing >"$scratch/log" &&
        cmake --build "$scratch/template/build" >>"$scratch/log" || { cat "$scratch/log"; exit 1; }
}
template
counter=$scratch/template/build/counter
(cd "$scratch/template" && build/counter sim scenarios/two-nodes.json --seed 1..20) >"$scratch/log" ||
    { cat "$scratch/log"; exit 1; }
grep -q "20 passed, 0 failed" "$scratch/log"
"$counter" list | grep -q counter
if [ $testing = ON ]; then
    (cd "$scratch/template" && build/counter_tests) >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
    grep -q "Tested: 3 . Passing: 3 " "$scratch/log"
    # A server that loses one add in ten.
    sed -i 's/state->sum += m->n;/state->sum += state->sum % 10 == 9 ? 0 : m->n;/' "$scratch/template/src/counter.c"
    template
    if (cd "$scratch/template" && build/counter_tests --filter counter/cut_off) >"$scratch/log" 2>&1; then
        echo "the template's tests do not see a lost add"
        exit 1
    fi
    grep -q "failed: property nothing-lost" "$scratch/log" || { cat "$scratch/log"; exit 1; }
    again=$(sed -n 's/^  again: //p' "$scratch/log" | head -n 1)
    line=$(grep "^  hash " "$scratch/log")
    if (cd "$scratch/template" && MM1_SIM_TRACE=run.db bash -c "$again") >"$scratch/log" 2>&1; then
        echo "the line to paste does not fail: $again"
        exit 1
    fi
    grep -qxF -- "$line" "$scratch/log" || { cat "$scratch/log"; exit 1; }
    "$counter" query "$scratch/template/run.db" "SELECT count(*) > 100 AS many FROM event" | grep -qx 1
    code=0
    "$counter" replay "$scratch/template/run.db" 2>"$scratch/log" || code=$?
    [ $code = 2 ] && grep -q "only the test can make it again" "$scratch/log"
fi

headers=$(find "$prefix/include" -name '*.h' | wc -l)
echo "consumer: ok, $headers headers, simulator $with_sim, tests of the template $testing"
