//! One run of callcheck in a simulated world: from what is asked to the report.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use callcheck::model::asked::{Form, Purpose};
use callcheck::model::fact::ListEntryFact;
use callcheck::model::report::Report;
use callcheck::model::target::{Host, Target};
use callcheck::probe::control::Control;
use callcheck::run::execute;
use callcheck::run::plan::{Families, Login, Plan, Planned, PortsPlan};

use super::certificate::{Told, trust};
use super::world::{CONTROLS, CONTROLS_V6, Controls, Raised, World, in_virtual_time};

/// The time that a server gets to free what was given back; the end of a connection that lost packets takes its time.
const RELEASE_TIME: Duration = Duration::from_secs(15);

/// How often an interrupter looks whether its moment has come.
const GLANCE: Duration = Duration::from_millis(1);

/// What callcheck is asked.
#[derive(Clone)]
pub struct Asks {
    pub purpose: Purpose,
    pub form: Form,
    pub services: Vec<Planned>,
    pub told: Told,
    pub timeout: Duration,
    /// The longest idle time, where the life of the NAT's mappings is measured.
    pub longest_idle: Option<Duration>,
    pub interrupted: Interrupted,
    pub ports: Option<PortsPlan>,
    /// What browsers make of the list, where one is given.
    pub list: Vec<ListEntryFact>,
}

/// Whether somebody presses Ctrl-C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    Never,
    /// As soon as the server holds an allocation.
    AfterAllocation,
}

impl Asks {
    /// `turn` for one target.
    pub fn turn(target: &Target, login: Option<Login>) -> Self {
        let login = login.map(Rc::new);
        let planned = target.services().into_iter().map(|service| {
            let login = if service.relay { login.clone() } else { None };
            Planned { service, login }
        });
        Self {
            purpose: Purpose::Turn,
            form: target.form(),
            services: planned.collect(),
            told: Told::OurRoot,
            timeout: Duration::from_secs(10),
            longest_idle: None,
            interrupted: Interrupted::Never,
            ports: None,
            list: Vec::new(),
        }
    }

    fn plan(&self, world: &World) -> Plan {
        Plan {
            command: if self.purpose == Purpose::Stun { "stun" } else { "turn" }.to_owned(),
            purpose: self.purpose,
            form: self.form,
            services: self.services.clone(),
            controls: controls(world),
            trust: trust(self.told),
            timeout: self.timeout,
            families: Families::Both,
            long_stream: None,
            longest_idle: self.longest_idle,
            peers: Vec::new(),
            proxy: None,
            ports: self.ports.clone(),
            progress: Rc::new(|_| {}),
            call: None,
            contacted: Vec::new(),
            list: self.list.clone(),
        }
    }
}

pub fn controls(world: &World) -> Vec<Control> {
    if world.controls == Controls::Absent {
        return Vec::new();
    }
    let mut addresses: Vec<SocketAddr> = vec![(CONTROLS[0], 19302).into(), (CONTROLS[1], 3478).into()];
    if world.caller.v6 {
        addresses.extend([SocketAddr::from((CONTROLS_V6[0], 19302)), (CONTROLS_V6[1], 3478).into()]);
    }
    addresses.iter().map(|address| Control { host: Host::Address(address.ip()), port: address.port() }).collect()
}

/// What came of a run.
pub struct Played {
    pub report: Report,
    /// How many allocations the server still holds.
    pub allocations_left: usize,
}

/// Plays a run in a world of its own.
pub fn play(world: &World, asks: &Asks) -> Played {
    in_virtual_time(async {
        let mut raised = world.raise();
        raised.others.occupy(world).await;
        let plan = asks.plan(world);
        let report = execute(Rc::clone(&raised.network), &plan, interruption(&raised, asks.interrupted), None).await;
        tokio::time::sleep(RELEASE_TIME).await;
        Played { report, allocations_left: raised.allocations() }
    })
}

async fn interruption(raised: &Raised, interrupted: Interrupted) {
    match interrupted {
        Interrupted::Never => std::future::pending().await,
        Interrupted::AfterAllocation => {
            while raised.allocations() == 0 {
                tokio::time::sleep(GLANCE).await;
            }
        }
    }
}
