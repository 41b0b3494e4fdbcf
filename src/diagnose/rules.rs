//! The registry of rules, one line each; the order is that of a call's way, and within one level the first found is the root cause.

use super::rule::Rule;

mod captive_portal;
mod dns_not_found;
mod dns_unavailable;
mod external_ip_mismatch;
mod external_ip_missing;
mod external_ip_suspect;
mod ipv6_address_dead;
mod ipv6_only_network;
mod local_firewall;
mod mapped_address_private;
mod mtu_blackhole;
mod network_allow_list;
mod network_blocks_stun;
mod network_blocks_udp;
mod packet_loss;
mod proxy_only;
mod relay_egress_blocked;
mod relay_lossy;
mod relay_multiplexed;
mod relay_nat_remaps_ports;
mod relay_ports_closed;
mod relay_ports_partly_closed;
mod relay_ports_stateful_only;
mod relay_range_mismatch;
mod relay_untestable_from_here;
mod reply_from_other_address;
mod server_address_blocked;
mod stream_cut;
mod stun_rewritten;
mod stun_silent;
mod turn_disabled;
mod turn_down;
mod turn_not_listening_udp;
mod turn_tcp_closed;
mod turn_tls_closed;
mod turn_udp_closed;
mod wrong_host;

/// All rules.
pub const ALL: &[Rule] = &[
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
    // STUN and the user's NAT
    reply_from_other_address::RULE,
    turn_disabled::RULE,
    mapped_address_private::RULE,
    stun_rewritten::RULE,
    packet_loss::RULE,
    mtu_blackhole::RULE,
    stun_silent::RULE,
    // TURN authentication
    // TURN allocation
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
    relay_untestable_from_here::RULE,
];
