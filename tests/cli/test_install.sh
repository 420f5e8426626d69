#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs into a fresh prefix, moves it, and builds and runs programs outside the tree: C17 and C++17, by pkg-config and by
# find_package, against the shared and the static library.
set -eu
build=${SHEAF_BUILD:?}
source=${SHEAF_SOURCE:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
mv "$work/first" "$work/prefix"
prefix=$work/prefix

# Every public header is installed, and includes alone.
mkdir "$work/program"
cd "$work/program"
for header in "$source"/include/sheaf/*.h; do
    name=$(basename "$header")
    cmp "$header" "$prefix/include/sheaf/$name"
    echo "#include <sheaf/$name>"
done >headers.h
cat >main.c <<'C'
#include "headers.h"
#include <stdio.h>
#include <string.h>
int main(void)
{
    if (sheaf_dtype_size(SHEAF_F64) != 8 || strcmp(sheaf_status_name(SHEAF_ERR_MEMORY), "memory") != 0) return 1;
    printf("%s\n", sheaf_dtype_name(SHEAF_F64));
    return 0;
}
C
cp main.c main.cpp

sanitize=$(sed -n 's/^SHEAF_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
cc=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
case $cc in *clang*) cxx=${cc/clang/clang++} ;; *) cxx=g++ ;; esac
strict=(-Wall -Wextra -Wpedantic -Werror)
[ -z "$sanitize" ] || strict+=("-fsanitize=$sanitize")

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name sheaf.pc)")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir sheaf)
export LD_LIBRARY_PATH=$libdir
check() {
    local said
    said=$("$1") || { echo "$1 failed"; exit 1; }
    [ "$said" = float64 ] || { echo "$1 printed '$said' instead of float64"; exit 1; }
}

read -ra flags < <(pkg-config --cflags --libs sheaf)
read -ra static < <(pkg-config --cflags --static --libs sheaf | sed "s|-lsheaf\b|$libdir/libsheaf.a|")
"$cc" -std=c17 "${strict[@]}" main.c -o c_shared "${flags[@]}"
"$cc" -std=c17 "${strict[@]}" main.c -o c_static "${static[@]}"
"$cxx" -std=c++17 "${strict[@]}" main.cpp -o cxx_shared "${flags[@]}"
"$cxx" -std=c++17 "${strict[@]}" main.cpp -o cxx_static "${static[@]}"
for program in c_shared c_static cxx_shared cxx_static; do check ./$program; done
ldd ./c_shared | grep -q "$libdir/libsheaf.so" || { echo "c_shared does not use the installed library"; exit 1; }
if ldd ./c_static | grep -q libsheaf; then echo "c_static uses the shared library"; exit 1; fi

cat >CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES C CXX)
find_package(sheaf 0.1 REQUIRED)
foreach(language c cpp)
  foreach(kind sheaf static)
    add_executable(${language}_${kind} main.${language})
    target_compile_features(${language}_${kind} PRIVATE c_std_17 cxx_std_17)
    target_link_libraries(${language}_${kind} PRIVATE sheaf::${kind})
  endforeach()
endforeach()
C
cmake -G Ninja -B out -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_C_FLAGS="${sanitize:+-fsanitize=$sanitize}" -DCMAKE_CXX_FLAGS="${sanitize:+-fsanitize=$sanitize}" >cmake.log 2>&1 ||
    { cat cmake.log; exit 1; }
cmake --build out >build.log 2>&1 || { cat build.log; exit 1; }
for program in c_sheaf c_static cpp_sheaf cpp_static; do check out/$program; done

# The command and its man pages, where this build has them.
if [ -x "$build/sheaf" ]; then "$prefix/bin/sheaf" --version >version.txt && grep -q sheaf version.txt; fi
for page in "$source"/docs/man/*.md; do
    [ ! -e "$page" ] || [ -s "$(find "$prefix/share/man" -name "$(basename "$page" .md)")" ]
done
echo "installed, moved and used from C17 and C++17: pkg-config and find_package, shared and static"
