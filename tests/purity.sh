#!/usr/bin/env bash
# ctest: label=fast timeout=60
# Floors base to kit touch no clock, entropy, file, thread, environment or process-wide allocator: whatever their
# objects leave undefined is on the allow-list, or is defined on their own or on a lower floor.
set -euo pipefail

floors=(base wire port core kit)
allow=$MM1_SOURCE_DIR/tests/purity.allow
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Prints "object: symbol" for each undefined symbol of the objects that neither the allow-list nor $1 names.
impure() {
    local known=$1 object symbol
    shift
    for object in "$@"; do
        nm -u "$object" | awk '{print $NF}' | sed 's/@.*//' | sort -u >"$scratch/undefined"
        comm -23 "$scratch/undefined" "$known" | while read -r symbol; do
            allowed "$symbol" || printf '%s: %s\n' "${object##*/}" "$symbol"
        done
    done
}

patterns=()
while read -r pattern; do
    case $pattern in '' | '#'*) ;; *) patterns+=("$pattern") ;; esac
done <"$allow"

allowed() {
    local pattern
    for pattern in "${patterns[@]}"; do
        # shellcheck disable=SC2053 # the right side is a pattern
        [[ $1 == $pattern ]] && return 0
    done
    return 1
}

# The check must see what it is there for.
cat >"$scratch/planted.c" <<'TEXT'
#include <time.h>
long planted(void);
long planted(void)
{
    return (long)time(0);
}
TEXT
"${CC:-cc}" -c -o "$scratch/planted.o" "$scratch/planted.c"
: >"$scratch/none"
if [ "$(impure "$scratch/none" "$scratch/planted.o")" != "planted.o: time" ]; then
    echo "purity: self check: a planted call of time() went unseen" >&2
    exit 1
fi

known=$scratch/known
: >"$known"
objects=0
found=0
for floor in "${floors[@]}"; do
    files=()
    for source in "$MM1_SOURCE_DIR/libmm1/src/$floor"/*.c; do
        [ -f "$source" ] || continue
        object=$MM1_BINARY_DIR/CMakeFiles/floor_$floor.dir/libmm1/src/$floor/${source##*/}.o
        [ -f "$object" ] || { echo "purity: $floor/${source##*/} has no object in $MM1_BINARY_DIR" >&2; exit 1; }
        files+=("$object")
    done
    [ ${#files[@]} -gt 0 ] || continue
    objects=$((objects + ${#files[@]}))
    { cat "$known"; nm -g --defined-only "${files[@]}" | awk 'NF == 3 {print $3}'; } | sort -u >"$scratch/next"
    mv "$scratch/next" "$known"
    if impure "$known" "${files[@]}" | sed "s/^/purity: floor $floor: /" | tee "$scratch/report" | grep .; then
        found=$((found + $(wc -l <"$scratch/report")))
    fi
done
echo "purity: $objects objects, $found findings"
[ "$objects" -gt 0 ] && [ "$found" -eq 0 ]
