//! How long an idle mapping lives: many sockets at once, each idle for another time, so that the whole lasts as long as the longest.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep_until};

use super::pace::{TESTS, pace};
use super::relay::Relay;
use super::subject::{Subject, ask, udp};
use crate::model::duration::whole_milliseconds;
use crate::model::fact::{Fact, LifetimeFact, LifetimeWay};
use crate::probe::context::Context;
use crate::proto::request::Request;
use crate::proto::schedule::Schedule;

/// The idle times that are tried, in seconds. 28 and not 30: a router of Linux forgets a mapping after just 30 s, and it would be a
/// matter of chance on which side it came out.
const STEPS_S: [u64; 18] = [1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 28, 35, 45, 60, 90, 120, 150, 180];

/// Tests idle times up to the longest, towards a server that names an OTHER-ADDRESS, or not.
pub async fn run(context: &Context, server: SocketAddr, has_other: bool, relay: Option<&Relay>, longest: Duration) {
    let testing = async {
        let Some(means) = choose(context, server, has_other, relay).await else { return };
        join_all(idle_times(longest).into_iter().map(|idle| outlive(context, server, means, idle))).await;
    };
    match relay {
        Some(relay) => tokio::select! {
            () = testing => {}
            // A NAT that forgets the relay's own mapping would leave the allocation to nobody.
            () = relay.keep_reachable() => {}
        },
        None => testing.await,
    }
}

/// How it is asked whether a mapping is still there.
#[derive(Clone, Copy)]
enum Means<'a> {
    ResponsePort,
    Relay(&'a Relay),
    SameSocket,
}

/// The first means by which a mapping that was not idle at all is seen to be there.
async fn choose<'a>(context: &Context, server: SocketAddr, has_other: bool, relay: Option<&'a Relay>) -> Option<Means<'a>> {
    let response_port = has_other.then_some(Means::ResponsePort);
    for means in response_port.into_iter().chain(relay.map(Means::Relay)).chain([Means::SameSocket]) {
        let alive = outlive(context, server, means, Duration::ZERO).await;
        let tells = match means {
            Means::ResponsePort | Means::Relay(_) => alive == Some(true),
            Means::SameSocket => alive != Some(false),
        };
        if tells {
            return Some(means);
        }
    }
    None
}

fn idle_times(longest: Duration) -> Vec<Duration> {
    let mut times: Vec<Duration> = STEPS_S.map(Duration::from_secs).into_iter().filter(|step| *step < longest).collect();
    times.push(longest);
    times
}

/// Leaves a new socket idle and asks whether its mapping is still there; what was learned comes back.
async fn outlive(context: &Context, server: SocketAddr, means: Means<'_>, idle: Duration) -> Option<bool> {
    let subject = Subject::open(context, server).await?;
    let mapped = means.begin(context, &subject).await?;
    let begun = Instant::now();
    sleep_until(begun + idle).await;
    let first = begun.elapsed();
    let (alive, sends) = means.is_there(context, &subject, mapped).await;
    // Where it was gone it was so at the last try; how long before, isn't known.
    let idle = if alive == Some(false) { begun.elapsed().saturating_sub(means.patience(&subject)) } else { first };
    let fact = LifetimeFact { idle_ms: whole_milliseconds(idle), mapped, way: means.way(), alive, sends };
    context.record.add("nat-lifetime", udp(server), Fact::Lifetime(fact));
    alive
}

impl Means<'_> {
    fn way(self) -> LifetimeWay {
        match self {
            Self::ResponsePort => LifetimeWay::ResponsePort,
            Self::Relay(_) => LifetimeWay::Relay,
            Self::SameSocket => LifetimeWay::SameSocket,
        }
    }

    /// How long after its last try silence counts.
    fn patience(self, subject: &Subject) -> Duration {
        match self {
            Self::ResponsePort | Self::Relay(_) => pace(subject.round_trip, 1).wait,
            Self::SameSocket => Duration::ZERO,
        }
    }

    /// Makes the mapping; its address outside comes back.
    async fn begin(self, context: &Context, subject: &Subject) -> Option<SocketAddr> {
        match self {
            Self::ResponsePort | Self::SameSocket => Some(subject.asked.mapped),
            Self::Relay(relay) => {
                if !relay.permit(subject.asked.mapped).await {
                    return None;
                }
                relay.knock(context, subject).await
            }
        }
    }

    /// Whether the mapping is still there, and how often that was asked.
    async fn is_there(self, context: &Context, subject: &Subject, mapped: SocketAddr) -> (Option<bool>, u32) {
        match self {
            Self::ResponsePort => is_answered_to(context, subject, mapped).await,
            Self::Relay(relay) => {
                let reply = relay.send(context, subject, mapped).await;
                (Some(reply.succeeded()), reply.sends)
            }
            Self::SameSocket => match ask(context, &subject.socket, subject.asked.server).await {
                Some(again) if again.mapped != mapped => (Some(false), 1),
                Some(_) | None => (None, 1),
            },
        }
    }
}

/// Another socket has the server answer to the port in question.
async fn is_answered_to(context: &Context, subject: &Subject, mapped: SocketAddr) -> (Option<bool>, u32) {
    let server = subject.asked.server;
    let Some(other) = Subject::open(context, server).await else { return (None, 0) };
    // The server answers to the other socket's address: where the NAT has several, that is not this mapping's.
    if other.asked.mapped.ip() != mapped.ip() {
        return (None, 0);
    }
    let tries = context.tries(TESTS);
    let pace = pace(subject.round_trip, tries);
    let schedule = Schedule::paced(tries, pace.distance, pace.wait);
    let request = Request::binding_answered_to(mapped.port());
    let exchange = subject.socket.ask_by(&other.socket, &request, server, server, schedule).await;
    (Some(exchange.reply.succeeded()), exchange.reply.sends)
}
