//! Allocations are given back however a run ends: here by a panic of callcheck itself. Ctrl-C and the deadline are in
//! `command_line.rs` and, on a real coturn, in the network lab.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::demo;
use callcheck::model::fact::{Fact, Observation};
use callcheck::net::system::System;
use callcheck::run::call::sockets;
use callcheck::run::execute;
use futures::FutureExt as _;
use tokio::task::LocalSet;

fn panic_at_the_first_permission(seen: &Observation) {
    assert!(!matches!(seen.fact, Fact::Permission(_)), "a fault of callcheck itself, while allocations are alive");
}

#[test]
fn a_panic_in_the_middle_of_a_run_leaves_no_allocation_behind() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    LocalSet::new().block_on(&runtime, async {
        let servers = demo::start(None).await.expect("servers on loopback");
        let lines = sockets(None).expect("the system's roots");
        let plan = demo::plan(&servers, Duration::from_secs(5), lines, Rc::new(|_, _| {}));
        let listener = Box::new(panic_at_the_first_permission);
        let run = execute(Rc::new(System::default()), &plan, pending(), Some(listener));

        let ended = AssertUnwindSafe(run).catch_unwind().await;

        assert!(ended.is_err(), "the panic goes on after the release");
        assert_eq!(servers.allocations(), 0);
    });
}
