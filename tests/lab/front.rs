//! What stands before the server on its own host: a real haproxy or nginx with a configuration of the scenario's.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::certificates::Files;
use crate::coturn::poll_until;
use crate::format::{Front, FrontProgram, Scenario};
use crate::outcome::{Doing, Outcome};
use crate::sandbox;
use crate::topology::Site;

/// nginx's part for connections and datagrams, which Debian packs apart.
const NGINX_STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

const PATIENCE: Duration = Duration::from_secs(5);

/// Why the scenario's program can't be had here, or nothing.
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    let program = scenario.front.as_ref()?.program.name();
    sandbox::lacks(program, program)
}

/// Starts the program, where the scenario has one; it ends with the sandbox.
pub fn start(scenario: &Scenario, site: Site, certificate: Option<&Files>, folder: &Path) -> Outcome<()> {
    let Some(front) = &scenario.front else { return Ok(()) };
    let file = folder.join(format!("{}.conf", front.program.name()));
    std::fs::write(&file, configuration(front, site, certificate, folder)).doing("writing its configuration")?;
    let mut command = Command::new(front.program.name());
    match front.program {
        FrontProgram::Haproxy => command.args(["-db", "-f"]).arg(&file),
        FrontProgram::Nginx => command.arg("-p").arg(folder).arg("-c").arg(&file),
    };
    site.host.inside(|| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().doing("starting it")?;
        let deadline = Instant::now() + PATIENCE;
        for port in &front.ports {
            poll_until(deadline, "it listens", || Ok(TcpStream::connect((site.own, *port)).is_ok()))?;
        }
        Ok(())
    })
}

/// The scenario's lines in what each program wants around them.
fn configuration(front: &Front, site: Site, certificate: Option<&Files>, folder: &Path) -> String {
    let mut lines = front.config.replace("{own}", &site.own.to_string());
    if let Some(files) = certificate {
        lines = lines.replace("{chain}", &files.chain.display().to_string()).replace("{key}", &files.key.display().to_string());
    }
    match front.program {
        FrontProgram::Haproxy => {
            format!("defaults\n mode tcp\n timeout connect 2s\n timeout client 30s\n timeout server 30s\n{lines}\n")
        }
        FrontProgram::Nginx => {
            let folder = folder.display();
            let modules = format!("load_module {NGINX_STREAM};");
            format!(
                "daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n{modules}\n\
                 events {{ }}\n{lines}\n"
            )
        }
    }
}
