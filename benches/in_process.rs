//! What happens inside the program, without a network lab: messages to bytes and back, judging, and a whole run on loopback.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use callcheck::diagnose::diagnose;
use callcheck::lab::demo::{self, Broken};
use callcheck::lab::fault::Fault;
use callcheck::model::asked::Purpose;
use callcheck::model::finding::Overrides;
use callcheck::model::report::Report;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::net::system::System;
use callcheck::proto::authentication::LongTerm;
use callcheck::proto::incoming::{Method, Subject};
use callcheck::proto::outgoing::Outgoing;
use callcheck::proto::request::Request;
use callcheck::proto::response::Response;
use callcheck::render::{self, Style};
use callcheck::run::call::sockets;
use callcheck::run::{Plan, execute};
use divan::Bencher;
use tokio::task::LocalSet;

const ID: [u8; 12] = [7; 12];

fn main() {
    divan::main();
}

fn user() -> LongTerm {
    let credentials = Credentials { username: Secret::new("alice"), password: Secret::new("wonderland") };
    LongTerm::of_user(&credentials, "example.org", "5f1b2c3d4e")
}

#[divan::bench]
fn encode_a_binding() -> Vec<u8> {
    Request::binding().seal(black_box(ID))
}

#[divan::bench]
fn encode_an_allocate_with_integrity(bencher: Bencher) {
    let user = user();
    bencher.bench_local(|| Request::allocate().authenticate(black_box(ID), &user));
}

#[divan::bench]
fn decode_an_allocation_and_check_it(bencher: Bencher) {
    let user = user();
    let subject = Subject { method: Method::Allocate, id: ID, fingerprint: true };
    let relayed = "203.0.113.10:50000".parse().expect("an address");
    let bytes = Outgoing::success(subject).relayed(relayed).lifetime(Duration::from_mins(10)).seal(Some(&user));
    bencher.bench_local(|| {
        let message = Response::read(black_box(&bytes)).and_then(|response| response.message);
        message.is_some_and(|message| user.vouches_for(&message))
    });
}

#[divan::bench]
fn diagnose_a_healthy_report(bencher: Bencher) {
    let report = run(None);
    bencher.bench_local(|| diagnose(&report.asked, black_box(&report.observations), report.cut_short, &Overrides::default()));
}

#[divan::bench]
fn diagnose_closed_relay_ports(bencher: Bencher) {
    let report = run(Some(Fault::RelayPortsClosed));
    bencher.bench_local(|| diagnose(&report.asked, black_box(&report.observations), report.cut_short, &Overrides::default()));
}

/// A list of so many endpoints, three a server, each with its relay ports closed.
#[divan::bench(args = [500, 2_000], sample_count = 5, sample_size = 1)]
fn diagnose_many_endpoints(bencher: Bencher, endpoints: usize) {
    let one = run(Some(Fault::RelayPortsClosed));
    let one = serde_json::to_string(&one).expect("a report is JSON");
    let mut many: Report = serde_json::from_str(&one).expect("a report reads as one");
    for server in 1..endpoints / 3 {
        let address = format!("20.0.{}.{}", server / 250, server % 250 + 1);
        let other: Report = serde_json::from_str(&one.replace("127.0.0.1", &address)).expect("a report reads as one");
        many.asked.services.extend(other.asked.services);
        many.observations.extend(other.observations);
    }
    bencher.bench_local(|| diagnose(&many.asked, black_box(&many.observations), None, &Overrides::default()));
}

#[divan::bench]
fn render_as_text(bencher: Bencher) {
    let report = run(Some(Fault::RelayPortsClosed));
    let style = Style { color: false, quiet: false, verbose: true };
    bencher.bench_local(|| render::text::render(black_box(&report), style));
}

/// A healthy server on loopback over UDP, TCP and TLS, with the relay proved, sampled and streamed through.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn a_whole_run_on_loopback() -> Report {
    run(None)
}

fn run(fault: Option<Fault>) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    LocalSet::new().block_on(&runtime, async {
        let servers = demo::start(fault.map(Broken::Turn)).await.expect("loopback has free ports");
        let lines = sockets(None).expect("the system's roots");
        let plan = demo::plan(&servers, Duration::from_secs(10), lines, Rc::new(|_, _| {}));
        // The probes alone are measured; a call lasts as long as its media.
        let plan = Plan { call: None, purpose: Purpose::Turn, ..plan };
        execute(Rc::new(System::default()), &plan, std::future::pending(), None).await
    })
}
