//! The order of the probes against one or more servers: everything at once, and what depends on an answer right after it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::beside;
use super::calm;
use super::plan::{Login, Plan, Planned};
use super::ports;
use crate::model::address::Reach;
use crate::model::asked::Purpose;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{BindingFact, CredentialsFact, CredentialsSource, Fact, IcmpFact, PortsEnd, RedirectEnd, RedirectFact};
use crate::model::outcome::{Outcome, Reply};
use crate::model::secret::Credentials;
use crate::model::target::Host;
use crate::net::session::Session;
use crate::net::tls::unix_seconds;
use crate::probe::again::ask_twice;
use crate::probe::allocate::{self, Allocation, Role, allocate, until_alone};
use crate::probe::context::Context;
use crate::probe::control::{self, Web};
use crate::probe::greet::{Greeting, bind, greet, on_a_new_port};
use crate::probe::ice_server::IceServer;
use crate::probe::nat::{self, Scope};
use crate::probe::reach::{Reached, reach};
use crate::probe::{clock, instead, loss, name, relay, still_there, trace};
use crate::proto::authentication::LongTerm;
use crate::proto::credentials;

/// How many redirections are followed.
const HOPS: usize = 5;

/// How long an allocation that met a quota waits for this run's others to end.
const QUOTA_PATIENCE: Duration = Duration::from_secs(3);

/// How many further connections are tried where the first was ended without a word: of two servers the one that is up is met in seven runs of eight.
const FURTHER_CONNECTIONS: usize = 3;

/// How long an answer may take before the ports beside are asked, too.
const LATE: Duration = Duration::from_millis(500);

/// What the examinations of one run tell each other.
#[derive(Default)]
struct Shared {
    /// Held while the first credentials for an address are tried, so that wrong ones are tried once a transport, and a full server is asked once.
    first_logins: RefCell<HashMap<IpAddr, Rc<Mutex<Tried>>>>,
    /// The hosts at which a refused login was tried from further ports.
    tried_elsewhere: RefCell<BTreeSet<String>>,
    /// The addresses whose relay's ports were sampled.
    sampled: RefCell<BTreeSet<IpAddr>>,
    swept: Cell<bool>,
    sampling_ended_by: Cell<Option<PortsEnd>>,
}

impl Shared {
    fn first_login(&self, server: IpAddr) -> Rc<Mutex<Tried>> {
        Rc::clone(self.first_logins.borrow_mut().entry(server).or_default())
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Tried {
    #[default]
    NotYet,
    Accepted,
    /// Another process may have the port of another transport, and take the login.
    Rejected,
    /// There is no room for another transport either.
    Full,
}

/// A run that has begun: its servers by their addresses, while the controls are being asked already.
pub struct Begun {
    /// The servers.
    pub servers: Vec<IceServer>,
    controls: JoinHandle<Vec<Web>>,
}

/// Begins a run: the controls are asked, and names become addresses.
pub async fn begin(context: &Context, plan: &Plan) -> Begun {
    let controls = {
        let (context, controls) = (context.clone(), plan.controls.clone());
        tokio::task::spawn_local(async move { control::ask_all(&context, &controls).await })
    };
    Begun { servers: servers(context, plan).await, controls }
}

/// Runs all probes of a plan.
pub async fn examine_all(context: &Context, plan: &Plan, begun: Begun) {
    let Begun { servers, controls } = begun;
    ask_from_outside(context, &servers);
    let shared = Shared::default();
    let examining = async {
        let mut examined = pin!(join_all(servers.iter().map(|server| examine(context, server, &shared))));
        if tokio::time::timeout(LATE, &mut examined).await.is_ok() {
            tokio::join!(
                beside::second_opinions(context, plan, &servers),
                beside::ask_who_refuses(context, plan, &servers),
                beside::ask_webs(context, &servers)
            );
        } else {
            tokio::join!(
                examined,
                beside::second_opinions(context, plan, &servers),
                beside::ask_who_blocks(context, plan, &servers),
                beside::ask_webs(context, &servers)
            );
        }
    };
    let unpromised =
        async { tokio::join!(beside::ask_beside(context, plan, &servers), beside::knock_without_login(context, plan, &servers)) };
    let translating = async {
        if plan.purpose == Purpose::Stun {
            let scope = Scope { longest_idle: plan.longest_idle, has_controls: !plan.controls.is_empty() };
            let own_side = trace::trace_own_side(context, servers.iter().map(|server| server.endpoint));
            tokio::join!(Box::pin(nat::examine(context, &servers, scope)), own_side);
        }
    };
    tokio::join!(examining, unpromised, translating);
    Box::pin(calm::ask_in_doubt(context, &servers)).await;
    record_outside(context);
    still_there::ask(context).await;
    if let Some(asked) = plan.ports.as_ref().filter(|asked| !asked.all) {
        ports::record_samples(context, asked.range, shared.sampling_ended_by.get());
    }
    if beside::needs_controls(context) && !plan.controls.is_empty() {
        // A control that panicked has said nothing, which the diagnosis takes as not tested.
        let webs = controls.await.unwrap_or_default();
        if beside::needs_clocks(context) {
            clock::ask_all(context, webs).await;
        }
        beside::try_proxy(context, plan, &servers).await;
    } else {
        controls.abort();
    }
}

/// The server itself tells the socket outside its address, at its UDP port even where streams alone are asked for: UDP may leave this
/// network from another address than TCP, and the controls may be silent.
fn ask_from_outside(context: &Context, servers: &[IceServer]) {
    for server in servers {
        let endpoint = server.endpoint;
        let over_udp = |other: &IceServer| other.endpoint.transport == Transport::Udp && other.endpoint.ip() == endpoint.ip();
        let server = match endpoint.transport {
            Transport::Udp => endpoint,
            Transport::Tcp | Transport::Tls | Transport::Dtls if servers.iter().any(over_udp) => continue,
            Transport::Tcp => Endpoint::new(Transport::Udp, endpoint.address),
            Transport::Tls | Transport::Dtls => {
                Endpoint::new(Transport::Udp, SocketAddr::new(endpoint.ip(), Transport::Udp.default_port()))
            }
        };
        if let Some(peer) = context.outside.towards(server.ip()) {
            context.record.contact(server);
            peer.ask(server.address);
        }
    }
}

async fn servers(context: &Context, plan: &Plan) -> Vec<IceServer> {
    let credentials = credentials_of(context, &plan.services);
    let resolved = join_all(plan.services.iter().map(|planned| name::endpoints(context, &planned.service))).await;
    let mut servers: Vec<IceServer> = Vec::new();
    for ((planned, endpoints), login) in plan.services.iter().zip(resolved).zip(credentials) {
        for endpoint in endpoints {
            let known = servers.iter().any(|server| server.endpoint == endpoint && server.relay >= planned.service.relay);
            if known || !plan.families.include(endpoint.ip()) || !name::routed(context, endpoint) {
                continue;
            }
            servers.push(server(planned, endpoint, login.clone()));
        }
    }
    if servers.is_empty() && context.network.source([192, 0, 2, 1].into()).is_none() {
        // No route for IPv4: is this a network of IPv6 alone, which translates names and not literal addresses?
        _ = name::addresses(context, name::NAT64_NAME).await;
    }
    servers
}

fn server(planned: &Planned, endpoint: Endpoint, login: Option<Rc<Credentials>>) -> IceServer {
    IceServer { endpoint, host: planned.service.host.clone(), relay: planned.service.relay, login }
}

/// The credentials of each service, made once a login, with the facts about them.
fn credentials_of(context: &Context, services: &[Planned]) -> Vec<Option<Rc<Credentials>>> {
    let logins = || services.iter().filter_map(|planned| planned.login.as_ref());
    let is_one = logins().next().is_none_or(|first| logins().all(|login| Rc::ptr_eq(first, login)));
    let mut made: Vec<(Rc<Login>, Rc<Credentials>)> = Vec::new();
    let mut credentials_of_services = Vec::new();
    for planned in services {
        let Some(login) = &planned.login else {
            credentials_of_services.push(None);
            continue;
        };
        let known = made.iter().find(|(known, _)| Rc::ptr_eq(known, login)).map(|(_, credentials)| Rc::clone(credentials));
        let credentials = known.unwrap_or_else(|| {
            let mut hosts: Vec<Host> = Vec::new();
            for other in services.iter().filter(|other| other.login.as_ref().is_some_and(|its| Rc::ptr_eq(its, login))) {
                if !is_one && !hosts.contains(&other.service.host) {
                    hosts.push(other.service.host.clone());
                }
            }
            let credentials = Rc::new(make_credentials(context, login, hosts));
            made.push((Rc::clone(login), Rc::clone(&credentials)));
            credentials
        });
        credentials_of_services.push(Some(credentials));
    }
    credentials_of_services
}

fn make_credentials(context: &Context, login: &Login, hosts: Vec<Host>) -> Credentials {
    let now = unix_seconds(context.network.time_of_day());
    let (credentials, source) = match login {
        Login::Given(credentials) => (credentials.clone(), CredentialsSource::Given),
        Login::SharedSecret { secret, id } => {
            let id = id.as_ref().map(crate::model::secret::Secret::expose);
            (credentials::from_shared_secret(secret, id, now), CredentialsSource::Computed)
        }
    };
    let fact = CredentialsFact { hosts, ..credentials::describe(&credentials, source, now) };
    context.record.add("credentials", "credentials", Fact::Credentials(fact));
    credentials
}

/// Everything about one endpoint, redirections included.
async fn examine(context: &Context, server: &IceServer, shared: &Shared) {
    let mut hops: Vec<SocketAddr> = Vec::new();
    let mut current = server.clone();
    loop {
        let Some(alternate) = examine_one(context, &current, shared).await else { break };
        let seen: HashSet<SocketAddr> = hops.iter().copied().chain([server.endpoint.address]).collect();
        hops.push(alternate);
        if seen.contains(&alternate) || hops.len() > HOPS {
            record_redirect(context, server, hops, RedirectEnd::Loop);
            return;
        }
        current.endpoint.address = alternate;
    }
    if !hops.is_empty() {
        let end = if context.record.has_answered(current.endpoint) { RedirectEnd::Arrived } else { RedirectEnd::Dead };
        record_redirect(context, server, hops, end);
    }
}

fn record_redirect(context: &Context, server: &IceServer, hops: Vec<SocketAddr>, end: RedirectEnd) {
    context.record.add("redirect", server.endpoint, Fact::Redirect(RedirectFact { hops, end }));
}

/// Examines one endpoint; the address of ALTERNATE-SERVER comes back where the server redirects.
async fn examine_one(context: &Context, server: &IceServer, shared: &Shared) -> Option<SocketAddr> {
    let Reached { session, trusted } = reach(context, server.endpoint, &server.host).await?;
    let greeting = greet(context, &session, server.relay).await;
    let Some(greeting) = greeting else {
        context.count_losses(session.tally());
        measure_loss(context, server, &session).await;
        return None;
    };
    let (session, greeting) = on_a_new_port(context, &server.host, session, greeting).await;
    let (session, Greeting { challenge, response }) = on_another_connection(context, server, session, greeting).await;
    context.count_losses(session.tally());
    match challenge.reply.outcome {
        Outcome::Error { code: 300 } => challenge.alternate,
        Outcome::Success => {
            // An open relay has allocated already: the answer is all there is to prove.
            let open = response.and_then(|response| allocate::open(context, &session, &response));
            if let Some(allocation) = open {
                relay::prove(context, allocation, Role::Main).await;
            }
            None
        }
        Outcome::Error { code: 401 } if trusted => {
            let Some(login) = server.login.as_deref() else {
                measure_loss(context, server, &session).await;
                return None;
            };
            authenticated(context, server, shared, session, LongTerm::new(login, &response?)?).await
        }
        Outcome::Silent | Outcome::Closed if is_mute(context, server.endpoint) => {
            instead::ask(context, server.endpoint, &server.host).await;
            None
        }
        // Either it does STUN alone, or the line has swallowed all of the requests.
        Outcome::Silent => {
            tokio::join!(measure_loss(context, server, &session), ask_twice(context, server.endpoint));
            None
        }
        Outcome::Error { .. }
        | Outcome::Unreachable { .. }
        | Outcome::DeniedLocally
        | Outcome::NoRoute
        | Outcome::Closed
        | Outcome::NotStun { .. }
        | Outcome::FromElsewhere { .. }
        | Outcome::Unusable { .. } => None,
    }
}

/// Asks over further connections where nothing was said inside a completed handshake, for a lost segment may hold up the first for seconds, and
/// where a connection was ended: a balancer may have another server for the next one.
async fn on_another_connection(
    context: &Context,
    server: &IceServer,
    session: Session,
    greeting: Greeting,
) -> (Session, Greeting) {
    let (mut session, mut greeting) = (session, greeting);
    let is_held_up = server.endpoint.transport == Transport::Tls && greeting.challenge.reply.silent();
    let most = if is_held_up { 1 } else { FURTHER_CONNECTIONS };
    for _ in 0..most {
        let has_ended = server.endpoint.transport.is_stream() && greeting.challenge.reply.outcome == Outcome::Closed;
        if !is_held_up && !has_ended {
            break;
        }
        // Another server may have another certificate, and gets no login by the first one's.
        let another = reach(context, server.endpoint, &server.host).await.filter(|reached| reached.trusted);
        let Some(reached) = another else { break };
        let Some(again) = greet(context, &reached.session, server.relay).await else { break };
        (session, greeting) = (reached.session, again);
    }
    (session, greeting)
}

/// Whether a connection over plain TCP was taken, and nothing came over it.
fn is_mute(context: &Context, endpoint: Endpoint) -> bool {
    endpoint.transport == Transport::Tcp && !context.record.has_answered(endpoint)
}

async fn authenticated(
    context: &Context,
    server: &IceServer,
    shared: &Shared,
    session: Session,
    signed: LongTerm,
) -> Option<SocketAddr> {
    let gate = shared.first_login(server.endpoint.ip());
    let mut first = gate.lock().await;
    let allocated = match *first {
        Tried::Full => return None,
        Tried::Rejected => {
            drop(first);
            allocate(context, &session, Some(signed.clone()), Role::Main).await
        }
        Tried::NotYet => {
            let allocated = allocate_patiently(context, server, &session, &signed).await;
            *first = match allocated.as_ref().err().and_then(Reply::code) {
                Some(401 | 441) => Tried::Rejected,
                Some(486 | 508) => Tried::Full,
                Some(_) | None => Tried::Accepted,
            };
            drop(first);
            allocated
        }
        Tried::Accepted => {
            drop(first);
            allocate_patiently(context, server, &session, &signed).await
        }
    };
    match allocated {
        Ok(allocation) => {
            let samples = sample(context, server, shared, &signed, allocation.relayed.ip());
            // Not before: a server that searches its ports for an Allocate in vain answers nothing meanwhile, which is no loss.
            let (session, relayed) = (allocation.session.clone(), allocation.relayed);
            let measured = measure_loss(context, server, &session);
            tokio::join!(relay::prove(context, allocation, Role::Main), samples, measured);
            if server.endpoint.transport == Transport::Udp && !shared.swept.replace(true) {
                ports::sweep(context, &session, relayed, &signed).await;
            }
            None
        }
        Err(reply) if reply.code() == Some(300) => allocate::alternate(context, server.endpoint),
        Err(reply) => {
            // Where each datagram reaches the server from another port, no nonce and no allocation is known to it.
            if matches!(reply.code(), Some(400 | 437 | 438)) {
                bind(context, &session).await;
            }
            // Where another address of the same host has taken the login, it is no wrong one.
            let is_refused = matches!(reply.code(), Some(401 | 441));
            if is_refused && shared.tried_elsewhere.borrow_mut().insert(server.host.to_string()) {
                ports::log_in_elsewhere(context, server, &signed).await;
            }
            if reply.silent() {
                tokio::join!(measure_loss(context, server, &session), ask_twice(context, server.endpoint));
            }
            None
        }
    }
}

/// The loss of the way to a server, over datagrams, where it has answered anything: silence is known already, and asking more would
/// only delay the verdict.
async fn measure_loss(context: &Context, server: &IceServer, session: &Session) {
    let (_, answers) = session.tally();
    if !server.endpoint.transport.is_stream() && !context.brief && answers > 0 {
        loss::measure(context, session).await;
    }
}

/// One more try where the fault may be this run's own: a 5-tuple that was used before, or a quota that its own allocations fill.
async fn allocate_patiently(
    context: &Context,
    server: &IceServer,
    session: &Session,
    signed: &LongTerm,
) -> Result<Allocation, Reply> {
    let others = context.ledger.alive() > 0;
    let reply = match allocate(context, session, Some(signed.clone()), Role::Main).await {
        Ok(allocation) => return Ok(allocation),
        Err(reply) => reply,
    };
    match reply.code() {
        Some(437) => {}
        // coturn counts what a run before this one has given back for a second more.
        Some(486 | 508) => until_alone(context, QUOTA_PATIENCE).await,
        // A success without an address is what a server without a free port may say.
        None if others && !reply.silent() => until_alone(context, QUOTA_PATIENCE).await,
        Some(_) | None => return Err(reply),
    }
    let again = reach(context, server.endpoint, &server.host).await.filter(|reached| reached.trusted);
    let Some(again) = again else { return Err(reply) };
    allocate(context, &again.session, Some(signed.clone()), Role::Main).await
}

/// More ports of the relay, once for each, over the transport that was first to succeed. Relays of several servers may have one private
/// address.
async fn sample(context: &Context, server: &IceServer, shared: &Shared, signed: &LongTerm, relayed: IpAddr) {
    let relay = if Reach::of(relayed).is_global() { relayed } else { server.endpoint.ip() };
    if context.brief || !shared.sampled.borrow_mut().insert(relay) {
        return;
    }
    let ended_by = ports::sample(context, server, signed, relayed).await;
    shared.sampling_ended_by.set(shared.sampling_ended_by.get().or(ended_by));
}

/// What STUN servers told the socket outside: two of them tell whether this network's NAT is symmetric. A host tells of few refused
/// datagrams, so that this socket may be the only one that hears of it.
fn record_outside(context: &Context) {
    for peer in [IpAddr::from([0; 4]), IpAddr::from([0; 16])].into_iter().filter_map(|family| context.outside.towards(family)) {
        let add = |server: SocketAddr, outcome: Outcome, mapped: Option<SocketAddr>| {
            let mut fact = BindingFact::of(Reply { sends: 1, ..Reply::unsent(outcome) });
            (fact.mapped, fact.local) = (mapped, Some(peer.local(server.ip())));
            context.record.add("binding-outside", Endpoint::new(Transport::Udp, server), Fact::Binding(fact));
        };
        for (server, mapped) in peer.mapped() {
            add(server, Outcome::Success, Some(mapped));
        }
        for (server, IcmpFact { reason, from }) in peer.unreachable() {
            add(server, Outcome::Unreachable { reason, from }, None);
        }
    }
}
