// What a client makes of any bytes of a server (fuzz/peer_bytes.hpp).
#include "fuzz/peer_bytes.hpp"

void adieu::fuzz::run(input in) { play_peer_bytes(role::client, in); }
