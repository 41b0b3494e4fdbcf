//! The simulated network: the same probes as against real servers, in virtual time and in memory, deterministic by seed.

use std::process::ExitCode;

use libtest_mimic::Arguments;

#[path = "scenarios/format.rs"]
#[expect(dead_code, reason = "what only the network lab can do is read by it alone")]
mod format;

mod sim {
    pub mod again;
    pub mod agree;
    pub mod balancer;
    pub mod call;
    pub mod call_alteration;
    pub mod call_loop;
    pub mod call_world;
    pub mod call_worlds;
    pub mod case;
    pub mod certificate;
    pub mod control;
    pub mod faults;
    pub mod firewall;
    pub mod host;
    pub mod icmp;
    pub mod internet;
    pub mod nat;
    pub mod nat_worlds;
    pub mod network;
    pub mod others;
    pub mod packet;
    pub mod play;
    pub mod port_worlds;
    pub mod properties;
    pub mod resolver;
    pub mod scenario;
    pub mod seeds;
    pub mod server;
    pub mod soundness;
    pub mod steps;
    pub mod stream;
    pub mod web;
    pub mod wide;
    pub mod world;
    pub mod worlds;
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = sim::steps::trials();
    trials.extend(sim::scenario::trials());
    trials.extend(sim::properties::trials());
    trials.extend(sim::wide::trials());
    trials.extend(sim::again::trials());
    trials.extend(sim::agree::trials());
    trials.extend(sim::nat_worlds::trials());
    trials.extend(sim::port_worlds::trials());
    trials.extend(sim::call::trials());
    trials.extend(sim::call_loop::trials());
    trials.extend(sim::call_worlds::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
