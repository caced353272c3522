#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-cross.sh -- a bare-metal cross compiler builds all that runs on BraiNIX, and the machine's
# own compiler the rest.
#
# The cross compiler is made here, of the machine's own: x86_64-elf-gcc has no C library, no start
# files and no headers but the compiler's, and refuses to link a program that would need them.
. "$(dirname "$0")/../check-lib.sh"
not_in_distcheck
unset MAKEFLAGS MFLAGS MAKELEVEL
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
compiler=${CC_FOR_BUILD:-gcc}
headers=$($compiler -print-file-name=include)
# What this build found is not what the other is to find.
unset CC NM OBJDUMP FREE_CFLAGS

mkdir "$scratch/bin" "$scratch/build"
for tool in ar as ld nm objcopy objdump ranlib readelf strip; do
	printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v $tool)" >"$scratch/bin/x86_64-elf-$tool"
done
cat >"$scratch/bin/x86_64-elf-gcc" <<END
#!/bin/sh
echo "\$*" >>$scratch/calls
link=yes
for word; do
	case \$word in
	-c | -E | -S | -print* | -dump* | --version | -v | -V) link=no ;;
	-nostdlib) link=alone ;;
	esac
done
if test \$link = yes; then
	echo "ld: cannot find crt0.o, cannot find -lc" >&2
	exit 1
fi
exec $compiler -nostdinc -isystem $headers "\$@"
END
chmod +x "$scratch"/bin/*
PATH=$scratch/bin:$PATH
export PATH

rule "the made compiler has no C library"
echo 'int main(void) { return 0; }' >"$scratch/main.c"
! x86_64-elf-gcc "$scratch/main.c" -o "$scratch/main" 2>/dev/null || bad "it links a program"
echo '#include <stdio.h>' >"$scratch/main.c"
! x86_64-elf-gcc -c "$scratch/main.c" -o "$scratch/main.o" 2>/dev/null || bad "it has stdio.h"

rule "configure --host=x86_64-elf"
copy_tree "$scratch/tree"
if ! (cd "$scratch/build" && "$scratch/tree/configure" -q --host=x86_64-elf CFLAGS=-O1 \
    CC_FOR_BUILD="$compiler") >"$scratch/output" 2>&1; then
	bad "$(tail -n 5 "$scratch/output")"
	finish
fi

rule "make"
make -C "$scratch/build" -j"$jobs" V=1 >"$scratch/output" 2>&1 ||
    bad "$(grep -E 'error|\*\*\*' "$scratch/output" | head -n 10)"

# Hosted programs have a C library, so one that the cross compiler had touched would have failed;
# the other way round is seen in the calls.
rule "archives are made by the cross compiler"
for lib in ${BX_LIBS-}; do
	test -s "$scratch/build/$(dirname "$lib")/.libs/$(basename "$lib" .la).a" || bad "$lib is not there"
	grep -q -- "-c .*$(dirname "$lib")/" "$scratch/calls" || bad "no call for $lib"
done
rule "the cross compiler makes nothing else"
hosted=$(grep -e '-D_POSIX_C_SOURCE' "$scratch/calls" | head -n 1)
test -z "$hosted" || bad "$hosted"
finish
