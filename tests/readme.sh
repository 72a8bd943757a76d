#!/usr/bin/env bash
# ctest: label=fast timeout=60
# The C of the README compiles as it stands, and the files that it links to are there.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
{
    echo '#include <mm1/actor.h>'
    echo '#include <mm1/msg.h>'
    sed -n '/^```c$/,/^```$/p' "$MM1_SOURCE_DIR/README.md" | grep -v '^```'
} >"$scratch/readme.c"
grep -q 'struct mm1_behaviour' "$scratch/readme.c"
"${CC:-cc}" -std=gnu17 -Wall -Wextra -Wpedantic -Wconversion -Wno-unused-const-variable -Wno-unused-variable -Werror \
    -Wno-missing-field-initializers -I"$MM1_SOURCE_DIR/libmm1/include" -fsyntax-only "$scratch/readme.c"

missing=0
for link in $(grep -oE '\]\([^)#:]+\)' "$MM1_SOURCE_DIR/README.md" | tr -d '])('); do
    [ -e "$MM1_SOURCE_DIR/$link" ] || { echo "README.md: $link is missing"; missing=1; }
done
exit $missing
