//! A host socket of a call: checks and media, and the Bindings by which it learns its address outside.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::duration::milliseconds;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{BindingFact, Fact};
use crate::model::outcome::{Defect, Outcome, Reply};
use crate::net::network::{Arrival, Datagrams, Network};
use crate::net::timer::sleep_until;
use crate::probe::context::{Context, Record};
use crate::proto::request::Request;
use crate::proto::response::{Class, Response};
use crate::proto::schedule::Schedule;
use crate::proto::transactions::{Answer, Due, Received, Transactions};

/// A host socket: one for all addresses of a family.
pub(super) struct Host {
    socket: Rc<dyn Datagrams>,
    addresses: Vec<SocketAddr>,
    contacted: RefCell<BTreeSet<SocketAddr>>,
    questions: RefCell<Vec<Rc<Question>>>,
}

/// A Binding that was sent from a host socket.
struct Question {
    transactions: RefCell<Transactions>,
    answer: RefCell<Option<Box<Answer>>>,
    answered: Notify,
}

impl Host {
    /// A socket with these addresses of this host.
    pub fn open(network: &dyn Network, addresses: &[IpAddr]) -> Result<Self, Outcome> {
        let towards = *addresses.first().ok_or(Outcome::NoRoute)?;
        let socket = network.bind_udp(towards)?;
        let port = socket.local().port();
        let addresses = addresses.iter().map(|address| SocketAddr::new(*address, port)).collect();
        Ok(Self { socket, addresses, contacted: RefCell::default(), questions: RefCell::default() })
    }

    /// The addresses under which this host sends from it.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether an address is one of its own.
    pub fn has(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// Whether a datagram left this host; the first one to an address makes it a contacted one.
    pub fn send(&self, record: &Record, bytes: &[u8], to: SocketAddr) -> bool {
        let is_sent = self.socket.send(bytes, to).is_ok();
        if is_sent && self.contacted.borrow_mut().insert(to) {
            record.contact(Endpoint::new(Transport::Udp, to));
        }
        is_sent
    }

    /// Hands what arrives to the question that it answers; anything else is received, at an own address and from a source.
    pub async fn read(self: Rc<Self>, network: Rc<dyn Network>, receive: impl Fn(SocketAddr, SocketAddr, &[u8])) {
        loop {
            // An ICMP error is no proof that a pair is dead (RFC 8445 §7.2.5.2.2 wants hard errors only, and checks go on).
            let Arrival::Datagram { from, bytes } = self.socket.receive().await else { continue };
            let question = self.questions.borrow().iter().find(|it| it.transactions.borrow().awaits(&bytes)).cloned();
            match question {
                Some(question) => question.take(&bytes),
                None => receive(self.towards(network.as_ref(), from.ip()), from, &bytes),
            }
        }
    }

    /// The own address that is used to reach another.
    fn towards(&self, network: &dyn Network, other: IpAddr) -> SocketAddr {
        let [only] = &*self.addresses else {
            let source = network.source(other);
            let used = self.addresses.iter().find(|address| Some(address.ip()) == source);
            return *used.unwrap_or(&self.addresses[0]);
        };
        *only
    }

    /// Asks a server for the address outside, with its fact; the own address that it is for comes with it.
    pub async fn ask(&self, context: &Context, server: SocketAddr) -> Option<(SocketAddr, SocketAddr)> {
        let mut id = [0; 12];
        context.network.randomize(&mut id);
        let mut transactions = Transactions::default();
        let schedule = Schedule::first_contact();
        transactions.start(id, Request::binding().seal(id), schedule, None, Instant::now().into_std());
        let question =
            Rc::new(Question { transactions: RefCell::new(transactions), answer: RefCell::default(), answered: Notify::new() });
        self.questions.borrow_mut().push(Rc::clone(&question));
        context.record.contact(Endpoint::new(Transport::Udp, server));
        let reply = self.wait(&question, server).await;
        self.questions.borrow_mut().retain(|it| !Rc::ptr_eq(it, &question));

        let base = self.towards(context.network.as_ref(), server.ip());
        let response = question.answer.borrow_mut().take().map(|answer| answer.response);
        let mapped = response.as_ref().and_then(Response::reflexive);
        let software = response.and_then(|response| response.software);
        let fact = BindingFact { local: Some(base), mapped, software, ..BindingFact::of(reply) };
        context.record.add("call-binding", Endpoint::new(Transport::Udp, server), Fact::Binding(fact));
        mapped.map(|mapped| (mapped, base))
    }

    async fn wait(&self, question: &Question, server: SocketAddr) -> Reply {
        loop {
            let due = question.transactions.borrow_mut().due(Instant::now().into_std());
            for due in due {
                match due {
                    Due::Transmit(bytes) => {
                        if let Err(outcome) = self.socket.send(&bytes, server) {
                            return Reply::unsent(outcome);
                        }
                    }
                    Due::GivenUp { sends, .. } => return Reply { sends, ..Reply::unsent(Outcome::Silent) },
                }
            }
            if let Some(answer) = &*question.answer.borrow() {
                return reply_of(answer);
            }
            let next = question.transactions.borrow().next_due();
            tokio::select! {
                biased;
                () = question.answered.notified() => {}
                () = sleep_until(next) => {}
            }
        }
    }
}

impl Question {
    fn take(&self, bytes: &[u8]) {
        if let Received::Answer(answer) = self.transactions.borrow_mut().receive(bytes, Instant::now().into_std()) {
            *self.answer.borrow_mut() = Some(answer);
            self.answered.notify_one();
        }
    }
}

fn reply_of(answer: &Answer) -> Reply {
    let response = &answer.response;
    let outcome = match (response.class, response.error_code) {
        (Class::Error, Some(code)) => Outcome::Error { code },
        (Class::Success, _) if response.reflexive().is_some() => Outcome::Success,
        (Class::Success, _) => Outcome::Unusable { defect: Defect::Incomplete },
        (Class::Error | Class::Indication | Class::Request, _) => Outcome::Unusable { defect: Defect::Malformed },
    };
    Reply { outcome, sends: answer.sends, rtt_ms: Some(milliseconds(answer.round_trip)), strays: Vec::new() }
}
