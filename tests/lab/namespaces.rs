//! Work inside a named network namespace: a thread of its own enters it, and what it opens or starts there stays there.

use std::fs::File;
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::outcome::{Doing, Outcome};
use crate::sandbox;

/// The hosts of the lab, one namespace each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// Where callcheck runs.
    Client,
    /// The caller's router.
    Nat,
    /// The caller's provider, with the second NAT.
    Carrier,
    /// The router between all.
    Inet,
    /// The cloud's 1:1 NAT before the server.
    Edge,
    /// The TURN server.
    Server,
    /// The second server behind the 1:1 NAT, where two share its address.
    Replica,
    /// A host beside the server behind the 1:1 NAT, from which callcheck may be asked to look.
    Inside,
    /// The other TURN server.
    Other,
    /// The control hosts and the resolver.
    Control,
    /// Where the callee's callcheck runs.
    Callee,
    /// The callee's router.
    CalleeNat,
}

impl Host {
    /// The namespace's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Nat => "nat",
            Self::Carrier => "carrier",
            Self::Inet => "inet",
            Self::Edge => "edge",
            Self::Server => "server",
            Self::Replica => "replica",
            Self::Inside => "inside",
            Self::Other => "other",
            Self::Control => "control",
            Self::Callee => "callee",
            Self::CalleeNat => "callee-nat",
        }
    }

    /// Does `work` inside; sockets that it opens and processes that it starts stay inside.
    pub fn inside<T: Send>(self, work: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let path = format!("/run/netns/{}", self.name());
                let namespace = File::open(&path).doing(&path)?;
                setns(namespace, CloneFlags::CLONE_NEWNET).doing(&path)?;
                work()
            });
            worker.join().map_err(|_| format!("a step inside {} panicked", self.name()))?
        })
    }

    /// Runs `ip -batch` inside.
    pub fn ip(self, lines: &[String]) -> Outcome<()> {
        self.inside(|| sandbox::feed("ip", &["-batch", "-"], &(lines.join("\n") + "\n")))
    }

    /// Loads nftables rules inside.
    pub fn nft(self, rules: &str) -> Outcome<()> {
        self.inside(|| sandbox::feed("nft", &["-f", "-"], rules))
    }

    /// Sets a kernel parameter below /proc/sys/net inside.
    pub fn sysctl(self, key: &str, value: &str) -> Outcome<()> {
        let path = format!("/proc/sys/net/{key}");
        self.inside(|| std::fs::write(&path, value).doing(&path))
    }
}
