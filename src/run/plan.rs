//! The plan of a run: validated, complete, and without a word of how it was given.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use super::call::Calling;
use crate::model::asked::{Asked, AskedCall, Form, Purpose, Service};
use crate::model::duration::whole_milliseconds;
use crate::model::endpoint::Endpoint;
use crate::model::fact::ListEntryFact;
use crate::model::ports::PortRange;
use crate::model::secret::{Credentials, Secret};
use crate::model::target::Host;
use crate::net::tls::Trust;
use crate::probe::control::Control;
use crate::probe::progress::Watcher;
use crate::probe::proxy::Proxy;
use crate::probe::sweep::Wish;
use crate::proto::responder::Token;

/// The plan of a run.
#[derive(Clone)]
pub struct Plan {
    /// The command's name, for the report.
    pub command: String,
    /// What the run is for.
    pub purpose: Purpose,
    /// How the servers were named.
    pub form: Form,
    /// The services to test.
    pub services: Vec<Planned>,
    /// The controls; none means that who blocks is not asked.
    pub controls: Vec<Control>,
    /// The roots for TLS.
    pub trust: Trust,
    /// The bound on the whole run.
    pub timeout: Duration,
    /// Which address families are tested.
    pub families: Families,
    /// The length of the paced stream, where a longer one was asked for.
    pub long_stream: Option<Duration>,
    /// The peers that the relay is for, where they were named.
    pub peers: Vec<IpAddr>,
    /// The longest time that a NAT's mapping is left idle, where its life is to be measured.
    pub longest_idle: Option<Duration>,
    /// The proxy of the environment.
    pub proxy: Option<Proxy>,
    /// How the relay's ports are gone through, where they are what is asked for.
    pub ports: Option<PortsPlan>,
    /// Who watches how far long probes are.
    pub progress: Watcher,
    /// The call to make, where one was asked for.
    pub call: Option<Calling>,
    /// The hosts that were asked while the plan was made.
    pub contacted: Vec<Endpoint>,
    /// What a browser makes of each entry of the list, where one was given as browsers take it.
    pub list: Vec<ListEntryFact>,
}

/// How the ports of a relay are gone through.
#[derive(Clone, Debug)]
pub struct PortsPlan {
    /// Services that are only asked whether they are there; nobody is promised them.
    pub beside: Vec<Service>,
    /// How many are sampled.
    pub samples: u32,
    /// Whether every port is tried instead.
    pub all: bool,
    /// The most ports a second.
    pub rate: Option<u32>,
    /// The range in question; the usual one where none was named.
    pub range: Option<PortRange>,
    /// The responder to sweep the ports against, where there is one.
    pub responder: Option<ResponderPlan>,
}

/// A responder to sweep ports against.
#[derive(Clone, Debug)]
pub struct ResponderPlan {
    /// Its host.
    pub host: Host,
    /// The port that it listens on.
    pub port: u16,
    /// The token that both sides have.
    pub token: Token,
    /// The range to sweep.
    pub range: PortRange,
    /// Whether the TCP ports are swept, too.
    pub tcp: bool,
    /// The most ports a second.
    pub rate: Option<u32>,
}

impl PortsPlan {
    /// The sweep over all ports, where one was asked for.
    #[must_use]
    pub fn sweep(&self) -> Option<Wish> {
        self.all.then_some(Wish { range: self.range, rate: self.rate })
    }
}

/// One service with what to log in with.
#[derive(Clone)]
pub struct Planned {
    /// The service.
    pub service: Service,
    /// What to log in with.
    pub login: Option<Rc<Login>>,
}

/// What to log in with.
#[derive(Clone)]
pub enum Login {
    /// A user name and a password.
    Given(Credentials),
    /// The secret that ephemeral credentials are made from, and the id to put into the name.
    SharedSecret {
        /// The secret.
        secret: Secret,
        /// The id.
        id: Option<Secret>,
    },
}

/// Which address families are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// Both.
    Both,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

impl Families {
    /// Whether an address is to be tested.
    #[must_use]
    pub fn include(self, address: std::net::IpAddr) -> bool {
        match self {
            Self::Both => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

impl Plan {
    /// The responder to sweep ports against, where one was named.
    #[must_use]
    pub fn responder(&self) -> Option<&ResponderPlan> {
        self.ports.as_ref()?.responder.as_ref()
    }

    /// What the report says was asked.
    #[must_use]
    pub fn asked(&self) -> Asked {
        Asked {
            purpose: self.purpose,
            form: self.form,
            services: self.services.iter().map(|planned| planned.service.clone()).collect(),
            credentials: self.services.iter().any(|planned| planned.login.is_some()),
            controls: !self.controls.is_empty(),
            peers: self.peers.clone(),
            longest_idle_ms: self.longest_idle.map(whole_milliseconds),
            call: self.call.as_ref().map(|call| AskedCall {
                roles: call.roles(),
                forced: call.forced,
                paths: call.paths.clone(),
            }),
        }
    }
}
