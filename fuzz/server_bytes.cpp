// What a server makes of any bytes of a client (fuzz/peer_bytes.hpp).
#include "fuzz/peer_bytes.hpp"

void adieu::fuzz::run(input in) { play_peer_bytes(role::server, in); }
