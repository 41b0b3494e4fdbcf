//! The project's own TURN server in coturn's place, for faults that no configuration of coturn makes.

use std::sync::mpsc;
use std::thread;

use callcheck::lab::fault::Fault as ServerFault;
use callcheck::lab::host::{Lab, LabConfig};
use callcheck::model::secret::{Credentials, Secret};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::format::{Fault, Scenario};
use crate::outcome::{Doing, Outcome};
use crate::topology::Site;

/// Whether the scenario has this server.
pub fn stands_in(scenario: &Scenario) -> bool {
    !faults(scenario).is_empty()
}

fn faults(scenario: &Scenario) -> Vec<ServerFault> {
    let named =
        scenario.faults.iter().filter_map(|fault| if let Fault::EmbeddedServer(name) = fault { Some(name) } else { None });
    named.map(|name| name.parse().unwrap_or_else(|_| panic!("the server has no fault {name:?}"))).collect()
}

/// Starts the server on a thread of its own, where the scenario has it; returns when it listens.
pub fn start(scenario: &Scenario, site: Site) -> Outcome<()> {
    let faults = faults(scenario);
    if faults.is_empty() {
        return Ok(());
    }
    let account = &scenario.account;
    let config = LabConfig {
        users: vec![Credentials { username: Secret::new(&account.user), password: Secret::new(&account.password) }],
        realm: scenario.realm.clone(),
        faults,
        addresses: vec![site.own.into()],
        plain_port: scenario.port,
        tls_port: scenario.tls_port,
        relay_ports: scenario.relay_ports.first..=scenario.relay_ports.last,
        ..LabConfig::default()
    };
    let (ready, started) = mpsc::channel();
    site.host.inside(|| {
        thread::spawn(move || {
            // Nobody listens any more once the scenario has failed for another reason.
            let _ = ready.send(serve(config, &ready));
        });
        Ok(())
    })?;
    started.recv().doing("starting the embedded server")?
}

/// Serves for ever, after it has said that it began; an error ends it.
fn serve(config: LabConfig, ready: &mpsc::Sender<Outcome<()>>) -> Outcome<()> {
    let runtime = Builder::new_current_thread().enable_all().build().doing("making a runtime")?;
    runtime.block_on(LocalSet::new().run_until(async {
        let _lab = Lab::start(config).await.doing("starting the embedded server")?;
        ready.send(Ok(())).doing("saying that the embedded server listens")?;
        std::future::pending().await
    }))
}
