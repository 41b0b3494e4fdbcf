//! The registry of rules, one line each; the order is that of a call's way, and within one level the first found is the root cause.

use super::rule::{Rule, Symptom};

mod address_family_refused;
mod allocation_refused;
mod answer_not_forwarded;
mod candidates_not_forwarded;
mod captive_portal;
mod cgnat;
mod channel_refused;
mod clock_skew;
mod credentials_expired;
mod credentials_malformed;
mod credentials_rejected;
pub(super) mod dns_not_found;
mod dns_unavailable;
mod dtls_failed;
mod external_ip_mismatch;
mod external_ip_missing;
mod external_ip_suspect;
mod handshakes;
mod ice_direct_impossible;
mod ice_mdns_only;
mod ice_no_candidates;
mod ice_no_path;
mod ice_no_relay_candidate;
mod ice_path_lost;
mod ice_refusals;
mod ice_relay_forced_without_turn;
mod ice_role_conflict;
mod ice_slow;
mod ice_wrong_ufrag;
mod ipv6_address_dead;
mod ipv6_only_network;
mod local_firewall;
mod mapped_address_private;
mod media_lossy;
mod media_none;
mod media_one_way;
mod mtu_blackhole;
mod nat_no_hairpin;
mod nat_short_binding;
mod nat_symmetric;
mod network_allow_list;
mod network_blocks_stun;
mod network_blocks_udp;
mod no_answer_timeout;
mod nonce_loop;
mod offer_altered;
mod own_address_denied;
pub(super) mod packet_loss;
mod peer_denied;
mod proxy_only;
mod quota_reached;
mod realm_mismatch;
mod realm_missing;
mod receiver_offline;
mod redirect_dead;
mod redirect_loop;
mod redirected;
mod redirections;
mod refusals;
mod refused_credentials;
mod relay_egress_blocked;
mod relay_lossy;
mod relay_multiplexed;
mod relay_nat_remaps_ports;
mod relay_ports_closed;
mod relay_ports_exhausted;
mod relay_ports_partly_closed;
mod relay_ports_stateful_only;
mod relay_range_mismatch;
mod relay_transport_refused;
mod relay_untestable_from_here;
mod reply_from_other_address;
mod server_address_blocked;
mod server_draining;
mod signaling_auth_refused;
mod signaling_call_refused;
mod signaling_cors;
mod signaling_drops;
mod signaling_namespace_refused;
mod signaling_not_sticky;
mod signaling_protocol_mismatch;
mod signaling_slow;
mod signaling_unreachable;
mod signaling_websocket_blocked;
mod signaling_wrong_path;
#[cfg(test)]
mod staged;
mod stream_cut;
mod stun_rewritten;
mod stun_silent;
#[cfg(test)]
mod tests_allocation;
#[cfg(test)]
mod tests_authentication;
#[cfg(test)]
mod tests_call;
#[cfg(test)]
mod tests_nat;
#[cfg(test)]
mod tests_signaling;
#[cfg(test)]
mod tests_tls;
mod tls_certificate_expired;
mod tls_certificate_expires_soon;
mod tls_certificate_not_yet_valid;
mod tls_chain_incomplete;
mod tls_handshake_failed;
mod tls_intercepted;
mod tls_name_mismatch;
mod tls_not_turn;
mod tls_protocol_too_old;
mod tls_untrusted_issuer;
mod turn_disabled;
mod turn_down;
mod turn_not_listening_udp;
mod turn_open_relay;
mod turn_tcp_closed;
mod turn_tls_closed;
mod turn_udp_closed;
mod wrong_host;

/// All rules.
pub const ALL: &[Rule] = &[
    // What leaves the verdict open comes before other warnings
    relay_untestable_from_here::RULE,
    // A policy that turns a dead TURN server into a dead call leads
    ice_relay_forced_without_turn::RULE,
    // Signaling: without it nothing of the rest begins
    signaling_unreachable::RULE,
    signaling_wrong_path::RULE,
    signaling_protocol_mismatch::RULE,
    signaling_not_sticky::RULE,
    signaling_namespace_refused::RULE,
    signaling_auth_refused::RULE,
    signaling_call_refused::RULE,
    signaling_drops::RULE,
    receiver_offline::RULE,
    offer_altered::RULE,
    answer_not_forwarded::RULE,
    no_answer_timeout::RULE,
    candidates_not_forwarded::RULE,
    signaling_slow::RULE,
    signaling_websocket_blocked::RULE,
    signaling_cors::RULE,
    // Names and addresses
    dns_unavailable::RULE,
    dns_not_found::RULE,
    ipv6_only_network::RULE,
    ipv6_address_dead::RULE,
    wrong_host::RULE,
    // Reaching the server
    local_firewall::RULE,
    captive_portal::RULE,
    proxy_only::RULE,
    network_blocks_udp::RULE,
    network_blocks_stun::RULE,
    network_allow_list::RULE,
    turn_down::RULE,
    server_address_blocked::RULE,
    turn_not_listening_udp::RULE,
    turn_udp_closed::RULE,
    turn_tcp_closed::RULE,
    turn_tls_closed::RULE,
    stream_cut::RULE,
    // TLS
    tls_intercepted::RULE,
    tls_protocol_too_old::RULE,
    tls_handshake_failed::RULE,
    tls_certificate_expired::RULE,
    tls_certificate_not_yet_valid::RULE,
    tls_name_mismatch::RULE,
    tls_chain_incomplete::RULE,
    tls_untrusted_issuer::RULE,
    tls_not_turn::RULE,
    tls_certificate_expires_soon::RULE,
    // STUN and the user's NAT
    reply_from_other_address::RULE,
    turn_disabled::RULE,
    mapped_address_private::RULE,
    stun_rewritten::RULE,
    packet_loss::RULE,
    mtu_blackhole::RULE,
    stun_silent::RULE,
    nat_symmetric::RULE,
    nat_short_binding::RULE,
    nat_no_hairpin::RULE,
    cgnat::RULE,
    // TURN authentication
    realm_missing::RULE,
    credentials_expired::RULE,
    credentials_malformed::RULE,
    clock_skew::RULE,
    credentials_rejected::RULE,
    realm_mismatch::RULE,
    nonce_loop::RULE,
    allocation_refused::RULE,
    turn_open_relay::RULE,
    // TURN allocation
    redirect_loop::RULE,
    redirect_dead::RULE,
    redirected::RULE,
    server_draining::RULE,
    quota_reached::RULE,
    relay_ports_exhausted::RULE,
    relay_transport_refused::RULE,
    address_family_refused::RULE,
    peer_denied::RULE,
    own_address_denied::RULE,
    channel_refused::RULE,
    // The relay's data path
    external_ip_missing::RULE,
    external_ip_mismatch::RULE,
    external_ip_suspect::RULE,
    relay_nat_remaps_ports::RULE,
    relay_ports_closed::RULE,
    relay_egress_blocked::RULE,
    relay_ports_stateful_only::RULE,
    relay_range_mismatch::RULE,
    relay_ports_partly_closed::RULE,
    relay_lossy::RULE,
    relay_multiplexed::RULE,
    // ICE, DTLS, media
    ice_no_candidates::RULE,
    ice_no_relay_candidate::RULE,
    ice_mdns_only::RULE,
    ice_role_conflict::RULE,
    ice_wrong_ufrag::RULE,
    ice_no_path::RULE,
    ice_path_lost::RULE,
    dtls_failed::RULE,
    media_none::RULE,
    media_one_way::RULE,
    media_lossy::RULE,
    ice_slow::RULE,
    ice_direct_impossible::RULE,
];

/// What others explain; the order is that of folding.
pub const SYMPTOMS: &[Symptom] =
    &[ice_no_relay_candidate::SYMPTOM, ice_no_candidates::SYMPTOM, ice_no_path::SYMPTOM, media_lossy::SYMPTOM];
