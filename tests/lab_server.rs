//! The lab's server against coturn's own client, so that what the other tests rest on is honest.
//!
//! `turnutils_uclient` comes with Debian's package coturn; where it is missing the tests are ignored, and fail under `CI=true`.
//! It relays by Send indications here: the channel numbers it draws go up to 0x7FFF as in RFC 5766, of which RFC 8656 §12
//! leaves 0x4000 to 0x4FFF.

use std::process::Command;

use callcheck::lab::host::{Lab, LabConfig};
use callcheck::model::endpoint::Transport;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::task::LocalSet;

const CLIENT: &str = "turnutils_uclient";

fn main() {
    let arguments = Arguments::from_args();
    let installed = Command::new(CLIENT).arg("-?").output().is_ok();
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let ignored = !installed && !is_ci;
    let trials = [
        ("coturns_client_loses_nothing_over_udp", Transport::Udp, &[][..]),
        ("coturns_client_loses_nothing_over_tcp", Transport::Tcp, &["-t"]),
        ("coturns_client_loses_nothing_over_tls", Transport::Tls, &["-t", "-S"]),
        ("coturns_client_loses_nothing_over_dtls", Transport::Dtls, &["-S"]),
    ]
    .map(|(name, transport, options)| {
        let name = if ignored { format!("{name} ({CLIENT} is not installed)") } else { name.to_owned() };
        Trial::test(name, move || loses_nothing(transport, options)).with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}

/// Two clients send each other five messages through the relay.
fn loses_nothing(transport: Transport, options: &'static [&'static str]) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let lab = Lab::start(LabConfig::default()).await?;
        let address = match transport {
            Transport::Udp => lab.udp(),
            Transport::Tcp => lab.tcp(),
            Transport::Tls => lab.tls(),
            Transport::Dtls => lab.dtls(),
        };
        let credentials = lab.credentials().ok_or("the lab has a user")?;
        let mut client = Command::new(CLIENT);
        client.args(["-y", "-c", "-s", "-m", "1", "-n", "5"]).args(options);
        client.args(["-u", credentials.username.expose(), "-w", credentials.password.expose()]);
        client.args(["-p", &address.port().to_string(), &address.ip().to_string()]);
        let output = tokio::task::spawn_blocking(move || client.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !said.contains("Total lost packets 0 (0.000000%)") {
            return Err(Failed::from(format!("{CLIENT} ended with {}:\n{said}", output.status)));
        }
        Ok(())
    })
}
