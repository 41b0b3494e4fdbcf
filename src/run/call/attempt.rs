//! One attempt to call: offer, answer, candidates, checks, media, hang-up; at both ends, or at the one that runs here.

use std::time::Duration;

use futures::future::select_all;
use tokio::time::{Instant, sleep, timeout_at};

use super::calling::Calling;
use super::end::{Course, End, Happening, Sent};
use super::log::{Attempted, Log};
use super::summary;
use crate::model::call::{Path, Role, StateKind, TrickledCandidate};
use crate::model::duration::whole_milliseconds;
use crate::model::fact::{self, Fact, Refusal};
use crate::probe::call::{Event, PeerHandle};
use crate::probe::context::Context;
use crate::probe::ice_server::IceServer;
use crate::signaling::call_event::CallEvent;
use crate::signaling::line::Emitted;

/// How long connecting may take once both sides have the other one's description, so that the verdict is there 5 s after the call's
/// start. Browsers take 15 to 40 s.
const CONNECT_LIMIT: Duration = Duration::from_millis(4500);

/// How long the gateway may take with offer and answer, where both ends run here and nobody has to pick up.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long a line on which events still come is listened to beyond a limit, after each of them: what is missed may come behind them.
const QUIET: Duration = Duration::from_secs(1);

/// How long the last events may be on their way at the end, so that what was forwarded can be counted.
const SETTLE_LIMIT: Duration = Duration::from_millis(400);

/// How long a callee alone leaves it to the caller to end the call: two ends at once could hit the next call.
const COURTESY: Duration = Duration::from_millis(500);

/// How long the other side's refusal or end is waited for once a call seems over.
const BREATH: Duration = Duration::from_millis(20);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The signaling did its part: another attempt may come to something else.
    Described,
    /// The signaling failed, as it would again.
    Undescribed,
}

/// What one step of an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Something happened and was taken.
    Taken,
    /// The run is to stop.
    Stopped,
    /// Nothing happened in time.
    Late,
}

/// An attempt in motion.
pub struct Attempt<'a> {
    context: &'a Context,
    calling: &'a Calling,
    path: Path,
    servers: &'a [IceServer],
    ends: &'a mut [End],
    log: &'a Log,
    begun: Instant,
    refusal: Option<Refusal>,
    ended: Option<fact::Ended>,
    by_deadline: bool,
    slowest: Option<Duration>,
    heard: Heard,
}

/// What the gateway has sent in this attempt.
#[derive(Clone, Copy, Debug)]
struct Heard {
    last: Instant,
    /// How many events had been thrown away when last looked at.
    dropped: u32,
}

impl<'a> Attempt<'a> {
    /// An attempt on one path, by ends that have joined the gateway.
    pub fn begin(
        context: &'a Context,
        calling: &'a Calling,
        path: Path,
        servers: &'a [IceServer],
        ends: &'a mut [End],
        log: &'a Log,
    ) -> Self {
        for end in ends.iter_mut() {
            end.course = Course::default();
            end.peer = None;
        }
        let begun = Instant::now();
        let (refusal, ended, slowest) = (None, None, None);
        let heard = Heard { last: begun, dropped: dropped(ends) };
        Self { context, calling, path, servers, ends, log, begun, refusal, ended, by_deadline: false, slowest, heard }
    }

    /// Runs it to its end; none where nobody called within the wait.
    pub async fn run(mut self) -> Option<(Ended, Attempted)> {
        if let Some(caller) = self.index_of(Role::Caller) {
            self.initiate(caller).await;
        } else if !self.await_offer().await {
            return None;
        }
        self.connect().await;
        if self.connected() {
            self.talk().await;
        }
        self.hang_up().await;
        let attempted = self.sum_up();
        let is_described = self.ends.iter().all(|end| end.course.described_at.is_some() && !end.course.lost);
        for end in self.ends.iter_mut() {
            if let Some(mut peer) = end.peer.take() {
                peer.close().await;
            }
        }
        Some((if is_described { Ended::Described } else { Ended::Undescribed }, attempted))
    }

    /// The caller's first step.
    async fn initiate(&mut self, caller: usize) {
        let Some(offer) = self.start_peer(caller, PeerHandle::offer) else { return };
        let end = &mut self.ends[caller];
        end.course.sent = Some(Sent { sdp: offer.clone(), at: Instant::now() });
        if end.talk.initiate(&self.calling.chat_id, &offer).await != Emitted::Sent {
            end.course.sent = None;
            end.course.lost = true;
        }
    }

    /// A callee alone waits to be called; the attempt's time counts from then.
    async fn await_offer(&mut self) -> bool {
        (self.calling.ready)();
        let until = Instant::now() + self.calling.wait;
        while self.ends[0].peer.is_none() && !self.ends[0].course.lost && self.refusal.is_none() {
            if self.step(until).await != Step::Taken {
                return false;
            }
            self.begun = Instant::now();
        }
        true
    }

    /// Sets a peer up at an end and has it make a description; its trouble is the end's.
    fn start_peer<E: std::fmt::Display>(
        &mut self,
        at: usize,
        describe: impl FnOnce(&PeerHandle) -> Result<String, E>,
    ) -> Option<String> {
        let end = &mut self.ends[at];
        let peer = match PeerHandle::start(self.context, end.role, self.path, self.servers) {
            Ok(peer) => peer,
            Err(error) => {
                end.course.unusable = Some(error.to_string());
                return None;
            }
        };
        let described = describe(&peer).map_err(|error| error.to_string());
        end.peer = Some(peer);
        match described {
            Ok(sdp) => Some(sdp),
            Err(error) => {
                end.course.unusable = Some(error);
                None
            }
        }
    }

    /// Until both ends are connected, or it is clear that they won't be.
    async fn connect(&mut self) {
        while !self.connected() && !self.is_over() {
            match self.step(self.deadline()).await {
                Step::Taken => {}
                Step::Stopped => break,
                Step::Late if self.is_still_hearing() => {}
                Step::Late => {
                    self.by_deadline = true;
                    break;
                }
            }
        }
        if !self.connected() {
            // A refusal or an end often comes with others; the first counts, and what follows explains nothing more.
            sleep(BREATH).await;
            self.ends.iter().filter_map(|end| end.peer.as_ref()).for_each(PeerHandle::give_up);
            self.take_what_is_there().await;
        }
    }

    /// Media for as long as was asked for, unless the call ends before.
    async fn talk(&mut self) {
        let until = Instant::now() + self.calling.duration;
        while self.ended.is_none() && !self.ends.iter().any(|end| end.course.lost_path) {
            if self.step(until).await != Step::Taken {
                return;
            }
        }
    }

    /// Tells the gateway that the call is over, and waits for what is still under way.
    async fn hang_up(&mut self) {
        self.settle(SETTLE_LIMIT, |attempt| attempt.all_candidates_came()).await;
        if self.index_of(Role::Caller).is_none() && self.refusal.is_none() {
            self.settle(COURTESY, |attempt| attempt.ended.is_some() || attempt.ends[0].course.lost).await;
        }
        if self.ended.is_some() {
            return;
        }
        let reason = if self.connected() { "hangup" } else { "failed" };
        // The caller ends it where it runs here.
        let Some(at) = self.index_of(Role::Caller).or(Some(0)) else { return };
        let other_is_here = self.ends.len() > 1;
        _ = self.ends[at].talk.end(&self.calling.chat_id, reason).await;
        if other_is_here {
            let told = 1 - at;
            self.settle(SETTLE_LIMIT, |attempt| attempt.ends[told].course.told_end || attempt.ends[told].peer.is_none()).await;
        }
    }

    /// Takes what comes until a condition holds or the time is over.
    async fn settle(&mut self, limit: Duration, is_settled: impl Fn(&Self) -> bool) {
        let until = Instant::now() + limit;
        while !is_settled(self) && self.step(until).await == Step::Taken {}
    }

    /// Takes what has come already.
    async fn take_what_is_there(&mut self) {
        while self.step(Instant::now()).await == Step::Taken {}
    }

    /// What happens next at either end; none once the run is to stop.
    async fn next(&mut self) -> Option<(usize, Happening)> {
        let next = select_all(self.ends.iter_mut().map(|end| Box::pin(end.next())));
        tokio::select! {
            biased;
            () = self.log.stopped() => None,
            (happening, at, _) = next => Some((at, happening)),
        }
    }

    /// Takes what happens next; it says whether something did until that moment.
    async fn step(&mut self, until: Instant) -> Step {
        match timeout_at(until, self.next()).await {
            Ok(Some((at, happening))) => {
                self.take(at, happening).await;
                Step::Taken
            }
            Ok(None) => Step::Stopped,
            Err(_elapsed) => Step::Late,
        }
    }

    async fn take(&mut self, at: usize, happening: Happening) {
        match happening {
            Happening::Peer(event) => self.take_from_peer(at, event).await,
            Happening::Talk(event) => self.take_from_gateway(at, event).await,
        }
    }

    async fn take_from_peer(&mut self, at: usize, event: Event) {
        let end = &mut self.ends[at];
        match event {
            Event::State(change) => {
                (self.calling.onlooker)(end.role, &change);
                match (change.kind, change.state.as_str()) {
                    (StateKind::IceGathering, "complete") => end.course.has_gathered = true,
                    (StateKind::Connection, "connected") => _ = end.course.connected_at.get_or_insert_with(Instant::now),
                    (StateKind::Connection, "disconnected" | "failed") if end.course.connected_at.is_some() => {
                        end.course.lost_path = true;
                    }
                    _ => {}
                }
            }
            Event::Candidate(candidate) => {
                // Many gateways know the call from its offer on, and drop what comes for it before.
                if end.course.sent.is_some() {
                    self.send_candidate(at, candidate).await;
                } else {
                    end.course.untold.push(candidate);
                }
            }
            Event::RemoteAddress(_) | Event::Selected { .. } | Event::Track(_) | Event::ChannelOpen | Event::ChannelClosed => {}
        }
    }

    async fn send_candidate(&mut self, at: usize, candidate: TrickledCandidate) {
        // An empty one says that no more will come; not every application knows that form.
        if candidate.candidate.as_deref().is_none_or(str::is_empty) {
            return;
        }
        let end = &mut self.ends[at];
        if end.talk.candidate(&self.calling.chat_id, &candidate).await == Emitted::Sent {
            end.course.candidates_sent.push(Instant::now());
        }
    }

    async fn take_from_gateway(&mut self, at: usize, event: CallEvent) {
        self.heard.last = Instant::now();
        match event {
            CallEvent::Offer { sdp, .. } if self.ends[at].role == Role::Callee => self.take_offer(at, sdp).await,
            CallEvent::Answer { sdp, .. } if self.ends[at].role == Role::Caller => self.take_answer(at, sdp),
            CallEvent::Candidate { candidate: Some(candidate), .. } => {
                let number = self.ends[at].course.candidates_received as usize;
                self.note_way(at, |other| other.course.candidates_sent.get(number).copied());
                self.ends[at].take_candidate(candidate);
            }
            CallEvent::Ended { reason, .. } => self.take_end(at, reason.unwrap_or_default()),
            CallEvent::Error { message, .. } | CallEvent::Refused { message, .. } => self.take_refusal(at, message),
            CallEvent::Malformed { event } => {
                self.ends[at].course.unusable.get_or_insert(format!("{event} holds no description"));
            }
            CallEvent::Lost { .. } | CallEvent::ClosedByServer => self.ends[at].course.lost = true,
            CallEvent::Offer { .. }
            | CallEvent::Answer { .. }
            | CallEvent::Candidate { candidate: None, .. }
            | CallEvent::Connected
            | CallEvent::Reconnected
            | CallEvent::Other { .. } => {}
        }
    }

    async fn take_offer(&mut self, at: usize, sdp: String) {
        if self.ends[at].peer.is_some() {
            return;
        }
        self.note_way(at, |other| other.course.sent.as_ref().map(|sent| sent.at));
        let answer = self.start_peer(at, |peer| peer.accept_offer(&sdp));
        let end = &mut self.ends[at];
        end.course.received = Some(sdp);
        let Some(answer) = answer else { return };
        end.course.described_at = Some(Instant::now());
        if let Some(peer) = &end.peer {
            end.course.early.drain(..).for_each(|candidate| peer.add_remote_candidate(&candidate));
        }
        if end.talk.answer(&self.calling.chat_id, &answer).await == Emitted::Sent {
            end.course.sent = Some(Sent { sdp: answer, at: Instant::now() });
        }
        for candidate in std::mem::take(&mut self.ends[at].course.untold) {
            self.send_candidate(at, candidate).await;
        }
    }

    fn take_answer(&mut self, at: usize, sdp: String) {
        self.note_way(at, |other| other.course.sent.as_ref().map(|sent| sent.at));
        let end = &mut self.ends[at];
        let Some(peer) = end.peer.as_ref().filter(|_| end.course.received.is_none()) else { return };
        match peer.accept_answer(&sdp) {
            Ok(()) => end.course.described_at = Some(Instant::now()),
            Err(error) => end.course.unusable = Some(error.to_string()),
        }
        end.course.received = Some(sdp);
    }

    /// The first one counts; what comes once the call is over only says that it is.
    fn take_refusal(&mut self, at: usize, message: String) {
        if self.ended.is_none() && !self.ends.iter().any(|end| end.course.lost) {
            let role = self.ends[at].role;
            self.refusal.get_or_insert(Refusal { role, message });
        }
    }

    fn take_end(&mut self, at: usize, reason: String) {
        // The end of an earlier call, from a gateway that is slow to tell it.
        if self.ends[at].role == Role::Callee && self.ends[at].course.received.is_none() {
            return;
        }
        self.ends[at].course.told_end = true;
        let answered = match self.index_of(Role::Caller) {
            Some(caller) => self.ends[caller].course.received.is_some(),
            None => self.ends[at].course.sent.is_some(),
        };
        let after_ms = whole_milliseconds(self.begun.elapsed());
        let role = self.ends[at].role;
        self.ended.get_or_insert(fact::Ended { role, reason, after_ms, answered });
    }

    /// Notes how long an event took from the other end to this one, where both run here.
    fn note_way(&mut self, to: usize, sent_at: impl Fn(&End) -> Option<Instant>) {
        let other = self.ends.iter().enumerate().find(|(at, _)| *at != to).and_then(|(_, end)| sent_at(end));
        if let Some(took) = other.map(|at| at.elapsed()) {
            self.slowest = Some(self.slowest.map_or(took, |slowest| slowest.max(took)));
        }
    }

    fn index_of(&self, role: Role) -> Option<usize> {
        self.ends.iter().position(|end| end.role == role)
    }

    fn connected(&self) -> bool {
        self.ends.iter().all(|end| end.course.connected_at.is_some())
    }

    /// Whether nothing can come of it any more.
    fn is_over(&self) -> bool {
        let stuck = self.ends.iter().any(|end| {
            let bare = end.course.described_at.is_some()
                && end.course.has_gathered
                && end.peer.as_ref().is_some_and(|peer| peer.report().candidates.is_empty());
            bare || end.course.unusable.is_some()
        });
        let silent = self.ends.iter().all(|end| end.course.lost);
        self.refusal.is_some()
            || self.ended.is_some()
            || stuck
            || silent
            || self.ends.iter().any(|end| end.role == Role::Caller && end.peer.is_none())
    }

    /// Until when it may go on as it stands.
    fn deadline(&self) -> Instant {
        let described = self.ends.iter().filter_map(|end| end.course.described_at).max();
        let complete = self.ends.iter().all(|end| end.course.described_at.is_some());
        let awaited = match described {
            Some(at) if complete => return at + CONNECT_LIMIT,
            // The answer is on its way.
            Some(at) => at + ANSWER_LIMIT,
            None => self.begun + if self.ends.len() > 1 { ANSWER_LIMIT } else { self.calling.patience },
        };
        (self.heard.last + QUIET).clamp(awaited, awaited + ANSWER_LIMIT)
    }

    /// Whether a limit that seems over moves on, since events came that were thrown away.
    fn is_still_hearing(&mut self) -> bool {
        let dropped = dropped(self.ends);
        if dropped > self.heard.dropped {
            self.heard = Heard { last: Instant::now(), dropped };
        }
        self.deadline() > Instant::now()
    }

    fn all_candidates_came(&self) -> bool {
        if self.ends.len() < 2 || self.ends.iter().any(|end| end.course.described_at.is_none()) {
            return true;
        }
        let came = |from: &End, to: &End| to.course.candidates_received as usize >= from.course.candidates_sent.len();
        came(&self.ends[0], &self.ends[1]) && came(&self.ends[1], &self.ends[0])
    }

    /// Makes the facts of what came of it.
    fn sum_up(&self) -> Attempted {
        let end = |role: Role| self.ends.iter().find(|end| end.role == role);
        let (caller, callee) = (end(Role::Caller), end(Role::Callee));
        let exchange = fact::ExchangeFact {
            path: self.path,
            roles: self.calling.roles(),
            offer: End::delivery(caller, callee, self.begun),
            answer: End::delivery(callee, caller, self.begun),
            caller_candidates: End::forwarded(caller, callee),
            callee_candidates: End::forwarded(callee, caller),
            refusal: self.refusal.clone(),
            ended: self.ended.clone(),
            lost: self.ends.iter().filter(|end| end.course.lost).map(|end| end.role).collect(),
            slowest_ms: self.slowest.map(whole_milliseconds),
            dropped: dropped(self.ends),
        };
        self.context.record.add("signaling", self.path.name(), Fact::Exchange(exchange));
        let offset = whole_milliseconds(self.begun.duration_since(self.context.record.started()));
        let mut attempted = Attempted { path: self.path, peers: Vec::new(), carries: true, connected_ms: None };
        for end in self.ends.iter() {
            let Some(peer) = &end.peer else {
                attempted.carries = false;
                continue;
            };
            let report = peer.report();
            let whole = summary::Whole {
                path: self.path,
                role: end.role,
                relay_expected: self.servers.iter().any(|it| it.relay && self.path.includes_relay_over(it.endpoint.transport)),
                withheld: summary::withheld(self.context, self.path, self.servers),
                by_deadline: self.by_deadline,
                has_lost_path: end.course.lost_path,
                described_ms: end.course.described_at.map(|at| whole_milliseconds(at.duration_since(self.begun))),
                media_ms: end.course.connected_at.map_or(0, |at| whole_milliseconds(at.elapsed())),
                offset_ms: offset,
            };
            let fact = whole.fact(&report);
            attempted.carries &= fact.hears() && fact.connected_ms.is_some() && !end.course.lost_path;
            attempted.connected_ms = attempted.connected_ms.max(fact.connected_ms);
            self.context.record.add("peer", end.role.name(), Fact::Peer(fact));
            attempted.peers.push((end.role, report));
        }
        if !attempted.carries {
            attempted.connected_ms = None;
        }
        attempted
    }
}

/// How many events the ends' lines have thrown away.
fn dropped(ends: &[End]) -> u32 {
    ends.iter().map(|end| end.talk.dropped()).sum()
}
