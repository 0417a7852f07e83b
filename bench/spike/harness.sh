# Starts a pinned server and loads it, for run.sh. Sourced.
#
# Method: servers take turns within a round, so that a slow minute of the machine meets them all;
# the server runs on one core, the load on another; what counts is the server's CPU time a message
# (load.cpp reads it at both ends of its window). Ratios are taken within a round, then their median.

SERVER_CORE=${SERVER_CORE:-0}
LOAD_CORE=${LOAD_CORE:-1}

scratch=$(mktemp -d)
server_pid=
server_port=
tidy_up() {
  stop_server
  rm -rf "$scratch"
}
trap tidy_up EXIT
trap 'exit 130' INT TERM

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# start_server PROGRAM [ARG…]: sets server_pid and server_port.
start_server() {
  : >"$scratch/announced"
  taskset -c "$SERVER_CORE" "$@" >"$scratch/announced" 2>"$scratch/errors" &
  server_pid=$!
  for _ in {1..250}; do
    server_port=$(sed -n 's/^listening \([0-9][0-9]*\)$/\1/p' "$scratch/announced")
    [[ -z $server_port ]] || return 0
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.02
  done
  cat "$scratch/errors" >&2
  die "no 'listening PORT' from $1"
}

stop_server() {
  [[ -n $server_pid ]] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=
}

# load PROGRAM ARG…: one run of the load generator against the running server.
load() {
  taskset -c "$LOAD_CORE" "$@" --port "$server_port" --pid "$server_pid"
}

# value NAME LINE: one of the name=value pairs.
value() {
  sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<<"$2"
}

# table RESULTS REFERENCE…: RESULTS has lines "scenario|server|round|cpu|rate|p50|p99|size", in the order
# in which they are to be shown; each REFERENCE is a server that the others are compared with:
# "0.95 (6/7)" is the median ratio, and in how many of the rounds the server took less CPU. size, if it
# is there: of replies on the wire, where 1 is uncompressed.
table() {
  local results=$1
  shift
  local IFS='|'
  awk -F'|' -v references="$*" '
    function sort(a, n,   i, j, t) {
      for (i = 2; i <= n; i++) {
        t = a[i]
        for (j = i - 1; j >= 1 && a[j] > t; j--) a[j + 1] = a[j]
        a[j + 1] = t
      }
    }
    function median(a, n) {
      sort(a, n)
      return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
    }
    function column(scenario, server, which,   i, n) { # into list
      delete list
      for (i = 1; i <= rounds; i++)
        if ((scenario, server, i, which) in data) list[++n] = data[scenario, server, i, which] + 0
      return n
    }
    {
      if (!($1 in seen_scenario)) { seen_scenario[$1]; scenarios[++scenario_count] = $1 }
      if (!($2 in seen_server)) { seen_server[$2]; servers[++server_count] = $2 }
      if ($8 != "") sizes = 1
      if (length($2) > widest) widest = length($2)
      if ($3 > rounds) rounds = $3
      for (i = 4; i <= 8; i++) data[$1, $2, $3, i] = $i
    }
    END {
      reference_count = split(references, reference, "|")
      for (s = 1; s <= scenario_count; s++) {
        scenario = scenarios[s]
        head = sprintf("%-" widest "s  %-24s", "", "CPU µs/message")
        for (r = 1; r <= reference_count; r++) head = head sprintf("  %13s", "÷ " reference[r])
        printf "\n%s\n%s  %9s  %8s  %8s%s\n", scenario, head, "msg/s", "p50 µs", "p99 µs", sizes ? "    size" : ""
        for (v = 1; v <= server_count; v++) {
          server = servers[v]
          n = column(scenario, server, 4)
          if (n == 0) continue
          m = median(list, n)
          line = sprintf("%-" widest "s  %8.4g [%.4g–%.4g]", server, m, list[1], list[n])
          pad = widest + 2 + 24 - length(line)
          line = line sprintf("%" (pad > 0 ? pad : 0) "s", "")
          for (r = 1; r <= reference_count; r++) {
            k = below = 0
            delete ratios
            for (i = 1; i <= rounds; i++)
              if ((scenario, server, i, 4) in data && (scenario, reference[r], i, 4) in data) {
                ratios[++k] = data[scenario, server, i, 4] / data[scenario, reference[r], i, 4]
                below += ratios[k] < 1
              }
            cell = "-"
            if (k) cell = sprintf("%.2f (%d/%d)", median(ratios, k), below, k)
            if (server == reference[r]) cell = "1"
            line = line sprintf("  %13s", cell)
          }
          n = column(scenario, server, 5); rate = median(list, n)
          n = column(scenario, server, 6); p50 = median(list, n)
          n = column(scenario, server, 7); p99 = median(list, n)
          n = column(scenario, server, 8); size = sizes ? sprintf("  %6.3f", median(list, n)) : ""
          printf "%s  %9.0f  %8.0f  %8.0f%s\n", line, rate, p50, p99, size
        }
      }
    }' "$results"
}
