//! A slow line: two TUN devices, and a queue between them that gives each packet back after half the round trip.
//!
//! netem would do, but many kernels lack it. The delay is constant, so a queue in order of arrival is enough.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};

const TUN: &str = "/dev/net/tun";
/// The largest packet of a line with Ethernet's MTU.
const PACKET: usize = 1500;

/// Why there can be no slow lines here, or nothing.
pub fn obstacle() -> Option<String> {
    let opened = File::options().read(true).write(true).open(TUN);
    opened.err().map(|error| format!("no slow lines here: {TUN}: {error}"))
}

/// Joins two hosts by a line with this round-trip time.
pub fn link(here: (&str, Host), there: (&str, Host), rtt_ms: u32) -> Outcome<()> {
    let here = device(here)?;
    let there = device(there)?;
    let one_way = Duration::from_millis(u64::from(rtt_ms)) / 2;
    carry(Arc::clone(&here), Arc::clone(&there), one_way);
    carry(there, here, one_way);
    Ok(())
}

fn device((name, host): (&str, Host)) -> Outcome<Arc<SyncDevice>> {
    host.inside(|| DeviceBuilder::new().name(name).layer(Layer::L3).build_sync().doing("making a TUN device")).map(Arc::new)
}

fn carry(from: Arc<SyncDevice>, to: Arc<SyncDevice>, one_way: Duration) {
    let (queue, queued) = mpsc::channel();
    thread::spawn(move || take_in(&from, one_way, &queue));
    thread::spawn(move || give_out(&to, &queued));
}

fn take_in(from: &SyncDevice, one_way: Duration, queue: &Sender<(Instant, Vec<u8>)>) {
    let mut buffer = [0; PACKET];
    loop {
        // Reading fails while the device is still down.
        let Ok(length) = from.recv(&mut buffer) else {
            thread::yield_now();
            continue;
        };
        if queue.send((Instant::now() + one_way, buffer[..length].to_vec())).is_err() {
            return;
        }
    }
}

fn give_out(to: &SyncDevice, queued: &Receiver<(Instant, Vec<u8>)>) {
    for (due, packet) in queued {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // A line may lose a packet, as when the device at its end is down.
        let _ = to.send(&packet);
    }
}
