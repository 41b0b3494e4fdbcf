//! The servers of a call on loopback, the plan of a run against them, and what is asked of its report.

#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::fault::Fault;
use callcheck::lab::gateway::exchange::{CALLEE_TOKEN, CALLER_TOKEN};
use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::lab::gateway::server::{self, GatewayConfig};
use callcheck::lab::host::{Lab, LabConfig};
use callcheck::model::asked::{Form, Purpose, Service};
use callcheck::model::call::{Path, Role};
use callcheck::model::endpoint::Transport;
use callcheck::model::finding::Finding;
use callcheck::model::report::Report;
use callcheck::model::target::Host;
use callcheck::net::system::System;
use callcheck::net::tls::Trust;
use callcheck::run::call::{Calling, sockets};
use callcheck::run::execute;
use callcheck::run::plan::{Families, Login, Plan, Planned};
use callcheck::signaling::call_event::ChatId;
use callcheck::signaling::gateway::Gateway;
use tokio::task::LocalSet;

/// The chat of the two accounts.
pub const CHAT: &str = "42";

/// Runs a test within one thread, as callcheck itself does.
pub fn within<T>(test: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    LocalSet::new().block_on(&runtime, test())
}

/// The servers of a call.
pub struct Stage {
    pub turn: Lab,
    pub gateway: server::Gateway,
}

impl Stage {
    /// Healthy servers.
    pub async fn healthy() -> Self {
        Self::broken(&[], &[]).await
    }

    /// Servers with these faults.
    pub async fn broken(turn: &[Fault], gateway: &[GatewayFault]) -> Self {
        Self::of(LabConfig::broken(turn), GatewayConfig::broken(gateway)).await
    }

    /// These servers.
    pub async fn of(turn: LabConfig, gateway: GatewayConfig) -> Self {
        let turn = Lab::start(turn).await.expect("loopback has free ports");
        let gateway = server::Gateway::start(gateway).await.expect("loopback has free ports");
        Self { turn, gateway }
    }

    /// Waits until nobody is connected to the gateway and no call is left there: it hears of both a moment later.
    pub async fn until_all_have_left(&self) {
        let gone = async {
            while self.gateway.members() + self.gateway.calls() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(2), gone).await.expect("everybody leaves");
    }

    /// The gateway with an account's login.
    pub fn account(&self, token: &str) -> Gateway {
        let gateway = Gateway::new(&self.gateway.url()).expect("the gateway's own URL");
        gateway.with_auth(serde_json::json!({ "token": token }))
    }

    /// A plan that calls from here with both ends, over the TURN server by these transports. Without any of them it is a STUN server, so
    /// that the ends know that they are on loopback and use no other address of this machine.
    pub fn plan(&self, paths: &[Path], transports: &[Transport]) -> Plan {
        let login = self.turn.credentials().map(|credentials| Rc::new(Login::Given(credentials)));
        let relay = !transports.is_empty();
        let wanted = if relay { transports } else { &[Transport::Udp] };
        let endpoints = self.turn.endpoints().iter().filter(|endpoint| wanted.contains(&endpoint.transport));
        let services = endpoints.map(|endpoint| Planned {
            service: Service {
                host: Host::Address(endpoint.ip()),
                port: Some(endpoint.address.port()),
                transport: endpoint.transport,
                relay,
            },
            login: login.clone().filter(|_| relay),
        });
        let ends = vec![(Role::Caller, self.account(CALLER_TOKEN)), (Role::Callee, self.account(CALLEE_TOKEN))];
        Plan {
            command: "call".to_owned(),
            purpose: Purpose::Call,
            form: Form::Urls,
            services: services.collect(),
            controls: Vec::new(),
            trust: Trust::nobody().with_roots(self.turn.ca_pem().as_bytes()).expect("the lab's own root"),
            timeout: Duration::from_secs(15),
            families: Families::Both,
            long_stream: None,
            longest_idle: None,
            peers: Vec::new(),
            proxy: None,
            contacted: Vec::new(),
            list: Vec::new(),
            ports: None,
            progress: Rc::new(|_| {}),
            call: Some(Calling {
                ends,
                lines: sockets(None).expect("the system's roots"),
                chat_id: ChatId::new(CHAT),
                forced: None,
                paths: paths.to_vec(),
                duration: Duration::from_millis(600),
                wait: Duration::from_secs(5),
                patience: Duration::from_secs(8),
                onlooker: Rc::new(|_, _| {}),
                ready: Rc::new(|| {}),
            }),
        }
    }

    /// The same with the caller alone and without any TURN server; the other end is the test's.
    pub fn plan_of_caller(&self) -> Plan {
        let mut plan = self.plan(&[Path::All], &[]);
        if let Some(call) = &mut plan.call {
            call.ends.truncate(1);
        }
        plan
    }
}

/// Forces a path.
pub fn forcing(mut plan: Plan, path: Path) -> Plan {
    if let Some(call) = &mut plan.call {
        call.forced = Some(path);
        call.paths = vec![path];
    }
    plan
}

/// Changes what is called.
pub fn calling(mut plan: Plan, change: impl FnOnce(&mut Calling)) -> Plan {
    change(plan.call.as_mut().expect("it is the plan of a call"));
    plan
}

/// Runs a plan to its end.
pub async fn run(plan: &Plan) -> Report {
    execute(Rc::new(System::default()), plan, std::future::pending(), None).await
}

/// What the findings claim.
pub fn found(report: &Report) -> Vec<String> {
    report.findings.iter().map(Finding::claim).collect()
}
