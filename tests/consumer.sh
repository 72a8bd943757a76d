#!/usr/bin/env bash
# ctest: timeout=300
# Installs into a scratch folder and builds a program against it twice: through CMake and through pkg-config.
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
sed -i "s|^prefix=.*|prefix=$prefix|" "$pc"/*.pc
# shellcheck disable=SC2046,SC2086 # flags are words
"${CC:-cc}" $flags -o "$scratch/by-pc" "$MM1_SOURCE_DIR/tests/consumer/main.c" \
    $(PKG_CONFIG_PATH=$pc pkg-config --static --cflags --libs mm1)
[ "$("$scratch/by-pc")" = ok ]

# Every public header stands alone.
for header in "$prefix"/include/mm1/*.h; do
    printf '#include <mm1/%s>\nint main(void) { return 0; }\n' "${header##*/}" >"$scratch/alone.c"
    "${CC:-cc}" -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include" "$scratch/alone.c"
done
echo "consumer: ok, $(find "$prefix/include" -name '*.h' | wc -l) headers, simulator $with_sim"
