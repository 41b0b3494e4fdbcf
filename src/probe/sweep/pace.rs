//! How many ports are tried at once and how fast, and how often one is tried before it counts as closed.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How many ports are under way at once at the start; each that is done makes room for one more.
const FIRST_WINDOW: u32 = 16;

/// The widest window where the server is near. coturn is busy with 64 (5,950 allocations a second; 4,450 with 16), but for the moments in
/// which one of its threads waits for work.
const NEAR_WINDOW: u32 = 256;

/// The widest window at all.
const FAR_WINDOW: u32 = 512;

/// How many ports may wait for a datagram that doesn't come, beside those under way: each holds a descriptor, of which systems give 1,024.
const MOST_ALIVE: u32 = 800;

/// What coturn does at best, in allocations a second on two cores.
const FASTEST: f64 = 7000.0;

/// The round trips of one port: two requests for the allocation, the permission, the datagram, the release.
const ROUND_TRIPS: u32 = 5;

/// The number of ports in which chance may call one closed once in a hundred runs.
const WRONG_RUNS: f64 = 0.01;

/// The share of datagrams that a way may lose of which nothing is known.
const UNKNOWN_LOSS: f64 = 1.0 / 6.0;

/// How many ports are under way, and when the next one may begin.
pub struct Budget {
    window: Cell<u32>,
    widest: u32,
    active: Cell<u32>,
    alive: Cell<u32>,
    interval: Duration,
    next: Cell<Instant>,
    round_trip: Duration,
}

impl Budget {
    /// A budget for a server at that distance, with no more than so many ports a second.
    pub fn new(round_trip: Duration, rate: Option<u32>) -> Self {
        let wanted = FASTEST * f64::from(ROUND_TRIPS) * round_trip.as_secs_f64();
        // The window is clamped to a few hundred.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let widest = wanted.clamp(f64::from(NEAR_WINDOW), f64::from(FAR_WINDOW)) as u32;
        Self {
            window: Cell::new(FIRST_WINDOW),
            widest,
            active: Cell::new(0),
            alive: Cell::new(0),
            interval: rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate),
            next: Cell::new(Instant::now()),
            round_trip,
        }
    }

    /// How long so many ports take at the least.
    pub fn estimate(&self, ports: u32) -> Duration {
        let by_distance = self.round_trip * ROUND_TRIPS * ports / self.widest;
        Duration::from_secs_f64(f64::from(ports) / FASTEST).max(by_distance).max(self.interval * ports)
    }

    /// Whether one more may begin now.
    pub fn may_begin(&self) -> bool {
        self.active.get() < self.window.get() && self.alive.get() < MOST_ALIVE && self.next.get() <= Instant::now()
    }

    /// When the pace allows the next one.
    pub fn next(&self) -> Instant {
        self.next.get()
    }

    /// The ports under way, those that only wait included.
    pub fn alive(&self) -> u32 {
        self.alive.get()
    }

    /// Begins one; `changed` hears when there is room again.
    pub fn begin<'a>(&'a self, changed: &'a Notify) -> Slot<'a> {
        self.active.set(self.active.get() + 1);
        self.alive.set(self.alive.get() + 1);
        if !self.interval.is_zero() {
            // What a late timer missed is not made up for by a burst.
            self.next.set(self.next.get().max(Instant::now() - self.interval) + self.interval);
        }
        Slot { budget: self, changed, active: true }
    }

    /// The server was asked too much.
    pub fn narrow(&self) {
        self.window.set((self.window.get() / 2).max(1));
    }
}

/// A port that is under way.
pub struct Slot<'a> {
    budget: &'a Budget,
    changed: &'a Notify,
    active: bool,
}

impl Slot<'_> {
    /// It only waits from now on, which keeps nobody busy.
    pub fn waits(&mut self) {
        if std::mem::take(&mut self.active) {
            self.budget.active.set(self.budget.active.get() - 1);
            self.changed.notify_one();
        }
    }

    /// It was answered: the window may widen.
    pub fn succeeds(&self) {
        let window = self.budget.window.get();
        self.budget.window.set((window + 1).min(self.budget.widest));
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.waits();
        self.budget.alive.set(self.budget.alive.get() - 1);
    }
}

/// What is known of the loss of the way in through the relay, and of the time that it takes.
#[derive(Default)]
pub struct Loss {
    sent: Cell<u32>,
    arrived: Cell<u32>,
    takes: Cell<Duration>,
}

impl Loss {
    /// At a port that is open so many datagrams were sent for the one that arrived, which took so long.
    pub fn count(&self, sent: u32, took: Duration) {
        self.sent.set(self.sent.get() + sent);
        self.arrived.set(self.arrived.get() + 1);
        let known = self.takes.get();
        self.takes.set(if known.is_zero() { took } else { (known * 7 + took) / 8 });
    }

    /// The datagrams sent and arrived at open ports.
    pub fn tally(&self) -> (u32, u32) {
        (self.sent.get(), self.arrived.get())
    }

    /// How long a datagram usually takes, the server's own work included.
    pub fn takes(&self) -> Duration {
        self.takes.get()
    }

    /// How often one of so many ports is tried: fewer than one run in a hundred then calls a port closed wrongly.
    pub fn tries(&self, ports: u32) -> u32 {
        let (sent, arrived) = self.tally();
        // Half a loss in three datagrams stands for what isn't known yet, and two deviations for what may show later: a port that is
        // judged early has to stand by the loss of the whole sweep.
        let (lost, of) = (f64::from(sent.saturating_sub(arrived)) + 0.5, f64::from(sent) + 3.0);
        let share = ((lost + 2.0 * lost.sqrt()) / of).min((lost / of).max(UNKNOWN_LOSS)).clamp(0.002, 0.75);
        let tries = ((WRONG_RUNS / f64::from(ports.max(1))).ln() / share.ln()).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let tries = tries.clamp(3.0, 30.0) as u32;
        tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_tries_follows_from_the_loss() {
        let clean = Loss::default();
        (0..1000).for_each(|_| clean.count(1, Duration::from_millis(1)));
        assert_eq!(clean.tries(16_384), 3);
        let lossy = Loss::default();
        (0..9000).for_each(|_| lossy.count(1, Duration::from_millis(1)));
        (0..1000).for_each(|_| lossy.count(2, Duration::from_millis(1)));
        // 9 % lost, as by 5 % each way.
        assert_eq!(lossy.tries(16_384), 7);
        assert!(Loss::default().tries(16_384) >= 8);
        // Without a loss in a hundred datagrams the line may still lose one in fifty.
        let early = Loss::default();
        (0..100).for_each(|_| early.count(1, Duration::from_millis(1)));
        assert_eq!(early.tries(2000), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_window_widens_with_success_and_a_rate_spaces_the_begins() {
        let changed = Notify::new();
        let budget = Budget::new(Duration::from_millis(1), None);
        let slots: Vec<_> = (0..FIRST_WINDOW).map(|_| budget.begin(&changed)).collect();
        assert!(!budget.may_begin());
        slots[0].succeeds();
        assert!(budget.may_begin());
        drop(slots);
        budget.narrow();
        assert_eq!((budget.active.get(), budget.alive.get(), budget.window.get()), (0, 0, 8));

        let slow = Budget::new(Duration::from_millis(1), Some(10));
        let _first = slow.begin(&changed);
        assert!(!slow.may_begin());
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(slow.may_begin());
        assert_eq!(slow.estimate(100), Duration::from_secs(10));
    }
}
