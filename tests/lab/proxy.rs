//! The web proxy of a network that lets nothing else out: CONNECT to wherever the router itself can reach.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use crate::format::{Fault, Scenario};
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::topology;

/// Where it listens.
pub const PORT: u16 = 3128;

const LONGEST_REQUEST: usize = 4096;

/// Starts the proxy on the router of the caller's network, where the scenario has one.
pub fn start(scenario: &Scenario) -> Outcome<()> {
    if !scenario.faults.contains(&Fault::ClientNetworkRequiresProxy) {
        return Ok(());
    }
    let (router, address) = topology::caller_gateway(scenario.nat);
    let listener = router.inside(|| TcpListener::bind((address, PORT)).doing("binding the proxy"))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(router, stream));
        }
    });
    Ok(())
}

fn serve(router: Host, mut caller: TcpStream) {
    let Some(target) = read_target(&mut caller) else { return };
    let answer: &[u8] = match router.inside(|| TcpStream::connect(&target).doing(&target)) {
        Ok(server) => {
            if caller.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").is_ok() {
                join(&caller, &server);
            }
            return;
        }
        Err(_) => b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    };
    // The caller may have left; a proxy doesn't mind.
    let _ = caller.write_all(answer);
}

/// The `host:port` of a CONNECT request, once its head is whole.
fn read_target(caller: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_REQUEST {
        caller.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let (target, _) = head.strip_prefix("CONNECT ")?.split_once(' ')?;
    Some(target.to_owned())
}

fn join(caller: &TcpStream, server: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| pump(caller, server));
        pump(server, caller);
    });
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
