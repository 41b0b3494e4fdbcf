//! Arguments become a plan; whatever is wrong with them is said before anything is sent.

use std::rc::Rc;

use super::arguments::{self, Common, Ports, SWEEP_TIMEOUT, Stun, Turn};
use super::configuration::Configuration;
use super::ice_servers::Listed;
use super::usage::Usage;
use super::web_list::WebList;
use super::{ice_servers, input, login, network, output, proxy, web_list};
use crate::model::asked::{Form, Purpose, Service};
use crate::model::endpoint::Transport;
use crate::model::ports::USUAL_RELAY_RANGE;
use crate::model::target::Target;
use crate::run::plan::{Login, Plan, Planned, PortsPlan, ResponderPlan};

/// The longest list of servers that is read, in bytes.
const LONGEST_LIST: u64 = 1 << 20;

/// The plan of `turn` or `external-ip`.
pub fn turn(command: &Turn, common: &Common, name: &str, purpose: Purpose) -> Result<Plan, Usage> {
    let login = login::resolve(&command.login)?.map(Rc::new);
    let mut list = None;
    let (listed, form) = servers(command.target.as_ref(), command.ice_servers.as_deref(), login.as_ref(), common, &mut list)?;
    let mut plan = plan(common, name, purpose, form, listed.planned)?;
    plan.list = listed.entries;
    plan.long_stream = command.stream;
    plan.peers.clone_from(&command.peer);
    plan.take_list(list);
    Ok(plan)
}

/// The servers that were named, by a target or by a list, which may have to be fetched.
fn servers(
    target: Option<&Target>,
    source: Option<&str>,
    login: Option<&Rc<Login>>,
    common: &Common,
    list: &mut Option<WebList>,
) -> Result<(Listed, Form), Usage> {
    match (target, source) {
        (Some(target), _) => {
            let planned = target.services().into_iter().map(|service| {
                let login = if service.relay { login.cloned() } else { None };
                Planned { service, login }
            });
            Ok((Listed { planned: planned.collect(), entries: Vec::new() }, target.form()))
        }
        (None, Some(source)) if web_list::is_url(source) => {
            let list = list.insert(web_list::get(source, common)?);
            Ok((ice_servers::read(&list.text, &list.shown, login)?, Form::Urls))
        }
        (None, Some(source)) => {
            let text = input::read_text(source, "--ice-servers", LONGEST_LIST)?;
            Ok((ice_servers::read(&text, source, login)?, Form::Urls))
        }
        (None, None) => Err(Usage("neither a TARGET nor --ice-servers was given".to_owned())),
    }
}

impl Plan {
    /// Takes note of how a list was fetched.
    fn take_list(&mut self, list: Option<WebList>) {
        let Some(list) = list else { return };
        self.timeout = self.timeout.saturating_sub(list.took);
        self.contacted = list.contacted;
    }
}

/// The plan of `call`, but for the call itself: the ICE servers of the command line, else of the configuration file; there may be none.
pub fn ice_servers_of_call(command: &arguments::Call, configuration: &Configuration, common: &Common) -> Result<Plan, Usage> {
    let login = login::resolve(&command.login)?.map(Rc::new);
    let mut list = None;
    let (listed, form) = match (&command.turn, &command.ice_servers) {
        (None, None) => match configuration.ice_servers()? {
            Some(text) => {
                let file = configuration.file.display().to_string();
                (ice_servers::read_configured(&text, &file, login.as_ref())?, Form::Urls)
            }
            None => (Listed::default(), Form::Urls),
        },
        (target, source) => servers(target.as_ref(), source.as_deref(), login.as_ref(), common, &mut list)?,
    };
    let mut plan = plan(common, "call", Purpose::Call, form, listed.planned)?;
    plan.list = listed.entries;
    plan.take_list(list);
    Ok(plan)
}

/// The plan of `stun`.
pub fn stun(command: &Stun, common: &Common) -> Result<Plan, Usage> {
    let form = match command.targets.as_slice() {
        [target] => target.form(),
        _ => Form::Urls,
    };
    let login = login::resolve(&command.login)?.map(Rc::new);
    let services = command.targets.iter().flat_map(Target::services).map(|mut service| {
        service.relay = false;
        Planned { service, login: login.clone() }
    });
    let mut plan = plan(common, "stun", Purpose::Stun, form, services.collect())?;
    plan.longest_idle = command.lifetime;
    Ok(plan)
}

/// The ports beside the usual ones that `ports` asks: nobody is promised them, and where they answer they are a way out of strict networks.
const BESIDE: [(Transport, u16); 2] = [(Transport::Tcp, 443), (Transport::Tls, 443)];

/// The plan of `ports`.
pub fn ports(command: &Ports, common: &Common) -> Result<Plan, Usage> {
    let login = login::resolve(&command.login)?.map(Rc::new);
    let responder = responder(command)?;
    if let Some(address) = responder.as_ref().and_then(|responder| responder.host.address())
        && !network::families(common).include(address)
    {
        let (option, other) = if address.is_ipv4() { ("-6", "IPv4") } else { ("-4", "IPv6") };
        return Err(Usage(format!("invalid value \"{address}\" for --responder: it is {other}, which {option} leaves out")));
    }
    let (listed, form) = servers(Some(&command.target), None, login.as_ref(), common, &mut None)?;
    // Where no login is given the responder stands for the server, which need not be there yet.
    let services = if responder.is_some() && login.is_none() { Vec::new() } else { listed.planned };
    let mut plan = plan(common, "ports", Purpose::Ports, form, services)?;
    let beside = match &command.target {
        Target::Host(host) => {
            BESIDE.map(|(transport, port)| Service { host: host.clone(), port: Some(port), transport, relay: true }).to_vec()
        }
        Target::HostAndPort(..) | Target::Uri(_) => Vec::new(),
    };
    if command.all || command.responder.is_some() {
        plan.timeout = common.timeout.unwrap_or(SWEEP_TIMEOUT);
        plan.progress = output::watch(common);
    }
    plan.ports = Some(PortsPlan {
        beside,
        samples: command.samples,
        all: command.all,
        rate: command.rate,
        range: command.range,
        responder,
    });
    Ok(plan)
}

fn responder(command: &Ports) -> Result<Option<ResponderPlan>, Usage> {
    let (Some(Target::HostAndPort(host, port)), Some(file)) = (&command.responder, &command.token_file) else { return Ok(None) };
    Ok(Some(ResponderPlan {
        host: host.clone(),
        port: *port,
        token: login::token(file)?,
        range: command.range.unwrap_or(USUAL_RELAY_RANGE),
        tcp: command.tcp,
        rate: command.rate,
    }))
}

fn plan(common: &Common, command: &str, purpose: Purpose, form: Form, services: Vec<Planned>) -> Result<Plan, Usage> {
    Ok(Plan {
        command: command.to_owned(),
        purpose,
        form,
        controls: network::controls(common, &services),
        services,
        trust: network::trust(common)?,
        timeout: common.bound(),
        families: network::families(common),
        long_stream: None,
        peers: Vec::new(),
        longest_idle: None,
        proxy: proxy::of_environment(),
        call: None,
        ports: None,
        progress: Rc::new(|_| {}),
        contacted: Vec::new(),
        list: Vec::new(),
    })
}
