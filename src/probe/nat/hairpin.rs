//! Hairpinning: whether a socket of this host reaches the address outside of another one (RFC 4787 §6).

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::pace::pace;
use super::subject::{Asked, Subject, udp};
use crate::model::fact::{Fact, HairpinFact};
use crate::probe::context::Context;

/// Tests two sockets against each other. Both send, as ICE does: the NAT may let in only what was sent to before.
pub async fn run(context: &Context, one: &Subject, other: &Subject) {
    // No NAT: the datagram would never leave this host.
    if one.asked.mapped == one.asked.local || other.asked.mapped == other.asked.local {
        return;
    }
    let (to, back) = (one.asked.mapped, other.asked.mapped);
    let token = context.outside.token();
    let (mut at_one, mut at_other) = (one.socket.expect(token), other.socket.expect(token));
    context.record.contact(udp(to));
    context.record.contact(udp(back));
    let tries = context.tries(2);
    let pace = pace(one.round_trip, tries);
    let started = Instant::now();
    let mut from = None;
    let mut sends = 0;
    while sends < tries && from.is_none() {
        other.socket.send(&token, to);
        one.socket.send(&token, back);
        sends += 1;
        let wait = if sends == tries { pace.wait } else { Duration::ZERO };
        let until = started + pace.distance * sends + wait;
        from = tokio::select! {
            heard = at_one.recv() => heard,
            heard = at_other.recv() => heard,
            () = async { _ = timeout_at(until, std::future::pending::<()>()).await } => None,
        };
    }
    let fact = HairpinFact { to, arrived: from.is_some(), sends, from };
    let Asked { server, .. } = one.asked;
    context.record.add("nat-hairpin", udp(server), Fact::Hairpin(fact));
}
