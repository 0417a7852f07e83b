#!/usr/bin/env bash
# Core depends on nothing of net: no Asio, Beast, Boost, OpenSSL, socket, thread, clock or chance.
# Reads what `g++ -M` says that each file of core reaches, directly or through other headers, and
# what each file itself asks of the standard library. First it shows that it would notice.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
CXX=${CXX:-g++}

# What may not be reached by any way, libraries' own headers included.
REACHED='(^|/)(boost|openssl|CLI|nghttp2)/|(^|/)adieu/net/|(^|/)src/net/'
REACHED+='|(^|/)(sys/(socket|epoll|eventfd|un)|netinet/[a-z0-9_]+|arpa/[a-z0-9_]+|netdb|poll)\.h$'
# What libstdc++ and simdjson include for themselves, but core may not.
ASKED='^ *# *include *<(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier'
ASKED+='|stop_token|random|ctime|time\.h|sys/[^>]*|unistd\.h|pthread\.h)>'
USED='_clock::now\b|\bstd::(random_device|this_thread|j?thread|(shared_|recursive_)?mutex)\b'
USED+='|\bstd::(time|s?rand)\b|\b(clock_gettime|gettimeofday|getrandom|getentropy|arc4random) *\('

# Prints how the file breaks the rule, a line each; fails when it does not compile.
breaches() {
  local reached
  reached=$("$CXX" -std=c++20 -M -Iinclude -Isrc -x c++ "$1") || return 1
  tr -s ' \\' '\n\n' <<<"$reached" | grep -E "$REACHED" | sed "s,^,$1 reaches ," || true
  sed 's,//.*,,' "$1" | grep -nE "$ASKED|$USED" | sed "s,^,$1:," || true
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Each of these must be noticed.
echo '#include <netinet/in.h>' >"$scratch/indirect.hpp"
probes=('#include <sys/socket.h>' '#include <boost/asio/buffer.hpp>' '#include <openssl/sha.h>'
  "#include \"$scratch/indirect.hpp\"" '#include <thread>'
  $'#include <chrono>\nauto now() { return std::chrono::steady_clock::now(); }')
for probe in "${probes[@]}"; do
  printf '%s\n' "$probe" >"$scratch/probe.cpp"
  found=$(breaches "$scratch/probe.cpp")
  [[ -n $found ]] || { echo "this check is blind to: $probe"; exit 1; }
done

mapfile -t files < <(find src/core include/adieu/core -name '*.[ch]pp' | sort)
wrong=0
for file in "${files[@]}"; do
  if ! found=$(breaches "$file"); then
    echo "$file: $CXX -M fails"
    wrong=1
  elif [[ -n $found ]]; then
    echo "$found"
    wrong=1
  fi
done
echo "${#files[@]} files of core checked, after ${#probes[@]} probes that must fail"
((${#files[@]} > 0 && wrong == 0))
