//! `responder`: takes the ports, says which, and answers until the time is up or somebody ends it.

use std::fmt::Write as _;
use std::pin::pin;
use std::time::SystemTime;

use super::arguments::{Common, Responder as Arguments};
use super::runtime::{in_runtime, interrupted};
use super::usage::Usage;
use super::{login, output};
use crate::model::ports::PortSet;
use crate::net::tls::unix_seconds;
use crate::responder::answerer::Answerer;
use crate::responder::ports::{self, NoPorts, Ports};
use crate::responder::serve::{Responder, Served};

/// The first port that every user may have.
const FIRST_OF_ALL: u16 = 1024;

/// `responder`.
pub fn serve(command: &Arguments, common: &Common) -> Result<u8, Usage> {
    let token = login::token(&command.token_file)?;
    in_runtime(async {
        let ports = ports::take(command.listen, command.range).map_err(|error| no_ports(command, &error))?;
        let ends = SystemTime::now() + command.lifetime;
        let answerer = Answerer {
            token,
            range: command.range,
            udp_taken: ports.udp_taken.clone(),
            tcp_taken: ports.tcp_taken.clone(),
            ends_at: unix_seconds(ends),
        };
        let mut interrupted = pin!(interrupted());
        // Whoever reads that it is ready may end it at once: the signals are waited for from here on.
        tokio::select! {
            biased;
            () = &mut interrupted => return Ok(0),
            () = std::future::ready(()) => {}
        }
        if !common.quiet {
            output::print(&announcement(command, &ports, ends));
        }
        let responder = Responder::new(ports, answerer);
        let served = responder.served();
        let how = tokio::select! {
            () = responder.serve() => "no port is left".to_owned(),
            () = tokio::time::sleep(command.lifetime) => format!("the {} are over", humantime::format_duration(command.lifetime)),
            () = interrupted => "interrupted".to_owned(),
        };
        if !common.quiet {
            output::print(&farewell(&how, served()));
        }
        Ok(0)
    })
}

fn no_ports(command: &Arguments, error: &NoPorts) -> Usage {
    match error {
        NoPorts::Listen(error) => Usage(format!("invalid value \"{}\" for --listen: {error}", command.listen)),
        NoPorts::Descriptors { needed, .. } => Usage(format!(
            "invalid value \"{}\" for --range: {error}\nhint: {}, or give a smaller range",
            command.range,
            more_descriptors(*needed)
        )),
        NoPorts::System { .. } => Usage(format!("invalid value \"{}\" for --range: {error}", command.range)),
    }
}

fn more_descriptors(needed: u64) -> String {
    format!("run \"ulimit -n {needed}\" as root in the shell that starts it, or LimitNOFILE={needed} in a systemd unit")
}

/// What is served, and how to sweep it.
fn announcement(command: &Arguments, ports: &Ports, ends: SystemTime) -> String {
    let (allowed, both) = ports.descriptors;
    let mut text = format!(
        "ready: listens at {} until {} ({})\n",
        command.listen,
        humantime::format_rfc3339_seconds(ends),
        humantime::format_duration(command.lifetime)
    );
    _ = writeln!(text, "UDP: {}", served(command, &ports.udp_taken));
    match &ports.tcp_taken {
        Some(taken) => _ = writeln!(text, "TCP: {}", served(command, taken)),
        None => {
            _ = writeln!(
                text,
                "TCP: port {} alone, since both protocols need {both} open sockets and this process may have {allowed}\n  \
                 for all of them, {}",
                command.listen.port(),
                more_descriptors(both)
            );
        }
    }
    text + &format!(
        "A server that is started meanwhile finds these ports taken.\n\
         Sweep them from outside: callcheck ports HOST --responder HOST:{} --range {} --token-file FILE\n",
        command.listen.port(),
        command.range
    )
}

fn served(command: &Arguments, taken: &PortSet) -> String {
    let count = command.range.count();
    let others = match taken.ranges() {
        [] => "none is taken by another program".to_owned(),
        _ if command.range.first() < FIRST_OF_ALL => format!("taken by other programs, or kept for root: {taken}"),
        _ => format!("taken by other programs: {taken}"),
    };
    format!("{} of {count} ports of {}; {others}", count - taken.count(), command.range)
}

fn farewell(how: &str, served: Served) -> String {
    format!("ended, {how}: {} requests answered, {} without a right token or too many\n", served.answered, served.ignored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_mends_the_limit_is_named() {
        let error = NoPorts::Descriptors { ports: 16_384, needed: 16_706, allowed: 1024 };
        assert_eq!(error.to_string(), "16384 UDP ports need 16706 open sockets, and this process may have 1024");
        let hint = more_descriptors(16_706);
        assert!(hint.contains("ulimit -n 16706") && hint.contains("LimitNOFILE=16706"));
    }
}
