//! The registry of rules, one line each; the order is that of a call's way, and within one level the first found is the root cause.

use super::rule::Rule;

mod relay_ports_closed;

/// All rules.
pub const ALL: &[Rule] = &[
    // The relay's data path
    relay_ports_closed::RULE,
];
