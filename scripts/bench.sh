# Builds or installs whom the benchmark measures, and starts it (bench/run.py).
# Rule: a peer's packages are installed here, when they are measured, and by no other verb.

BENCH_PACKAGES=(python3 strace openssl gcc libwebsockets-dev libwebsocketpp-dev)

bench() {
  if [[ ${1-} == --spike ]]; then
    build release benchmarks
    exec bench/spike/run.sh "${@:2}"
  fi
  if [[ ${1-} == --guard ]]; then
    need_packages valgrind
    build release bench_guard
    exec bench/guard.sh "${@:2}"
  fi
  need_packages "${BENCH_PACKAGES[@]}"
  need_node
  need_npm_modules tests/peers
  need_npm_modules bench/peers
  build release benchmarks
  timed "building the peers" build_peers
  exec python3 bench/run.py "$@"
}

# As the release preset builds ours: -O3, for any processor of this kind.
build_peers() {
  local peers=bench/peers out=build/bench
  mkdir -p $out
  if [[ $peers/websocketpp_echo.cpp -nt $out/websocketpp_echo ]]; then
    # its headers are of another time: C++17, and their warnings are not ours
    g++ -std=c++17 -O3 -DNDEBUG -w $peers/websocketpp_echo.cpp -o $out/websocketpp_echo -lpthread
  fi
  if [[ $peers/lws_echo.c -nt $out/lws_echo ]]; then
    gcc -O3 -DNDEBUG -Wall -Wextra $peers/lws_echo.c -o $out/lws_echo -lwebsockets
  fi
  if command -v dotnet >/dev/null; then
    if [[ $peers/kestrel/Program.cs -nt $out/kestrel/bin/kestrel/release/kestrel.dll ]]; then
      dotnet_build $peers/kestrel/kestrel.csproj $out/kestrel
    fi
  else
    say "no dotnet here: Kestrel is not measured"
  fi
}

dotnet_build() {
  DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 dotnet build "$1" --configuration=Release \
    --nologo --verbosity=quiet --disable-build-servers --artifacts-path="$PWD/$2"
}
