//! The plan of `call`: flags over the environment over the configuration file over what is usual.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::arguments::{self, Common};
use super::configuration::{Account, Configuration, Signaling, filled};
use super::usage::Usage;
use super::{login, output, planning};
use crate::model::asked::Purpose;
use crate::model::call::{Path, Role};
use crate::model::endpoint::Transport;
use crate::model::secret::Secret;
use crate::run::call::{Calling, Lines, sockets};
use crate::run::plan::Plan;
use crate::signaling::call_event::ChatId;
use crate::signaling::gateway::{Events, Gateway, InvalidGateway, Keys, Transports};

/// How long media flows by default.
const USUAL_DURATION: Duration = Duration::from_secs(2);

/// The variables with the accounts' tokens.
const TOKENS: [(Role, &str); 2] = [(Role::Caller, "CALLCHECK_CALLER_TOKEN"), (Role::Callee, "CALLCHECK_CALLEE_TOKEN")];

/// The plan of `call`.
pub fn plan(command: &arguments::Call, common: &Common) -> Result<Plan, Usage> {
    let configuration = Configuration::read(common.config.as_deref())?;
    let mut plan = planning::ice_servers_of_call(command, &configuration, common)?;
    plan.purpose = Purpose::Call;
    let gateway = gateway(command, configuration.signaling.as_ref())?;
    let chat_id = chat_id(command, configuration.signaling.as_ref())?;
    let roles = command.role.map_or_else(|| vec![Role::Caller, Role::Callee], |role| vec![role.into()]);
    let mut ends = Vec::new();
    for role in roles {
        ends.push((role, with_login(&gateway, command, configuration.signaling.as_ref(), role)?));
    }
    let forced = forced(command, &configuration)?;
    let relays: Vec<Transport> =
        plan.services.iter().map(|it| &it.service).filter(|it| it.relay).map(|it| it.transport).collect();
    plan.call = Some(Calling {
        paths: paths(command, forced, &relays, ends.len() > 1),
        ends,
        lines: lines(common)?,
        chat_id: ChatId::new(chat_id),
        forced,
        duration: duration(command, &configuration)?,
        wait: command.wait,
        patience: common.bound(),
        onlooker: output::onlooker(common),
        ready: output::ready(common, command.wait),
    });
    Ok(plan)
}

fn chat_id(command: &arguments::Call, configured: Option<&Signaling>) -> Result<Value, Usage> {
    let (value, place) = match (&command.chat_id, configured.and_then(|configured| configured.chat_id.clone())) {
        (Some(text), _) => (Value::from(text.clone()), "--chat-id"),
        (None, Some(value)) => (value, "signaling.chat_id"),
        (None, None) => return Err(missing("--chat-id", "signaling.chat_id")),
    };
    match &value {
        Value::Number(_) => Ok(value),
        Value::String(text) if !text.is_empty() => Ok(value),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(Usage(format!("invalid value {value} for {place}: it must be a text or a number")))
        }
    }
}

fn missing(option: &str, key: &str) -> Usage {
    Usage(format!("{option} is missing: give it, or {key} in the configuration file (--config)"))
}

fn forced(command: &arguments::Call, configuration: &Configuration) -> Result<Option<Path>, Usage> {
    if command.paths {
        return Ok(None);
    }
    if let Some(path) = command.path {
        return Ok(Some(path.into()));
    }
    match (command.policy, configuration.policy.as_deref()) {
        (Some(policy), _) => Ok(Some(policy.into())),
        (None, None) => Ok(None),
        (None, Some("all")) => Ok(Some(Path::All)),
        (None, Some("relay")) => Ok(Some(Path::Relay)),
        (None, Some(other)) => Err(Usage(format!("invalid value {other:?} for policy: all or relay"))),
    }
}

fn duration(command: &arguments::Call, configuration: &Configuration) -> Result<Duration, Usage> {
    match (command.duration, &configuration.duration) {
        (Some(duration), _) => Ok(duration),
        (None, Some(text)) => {
            humantime::parse_duration(text).map_err(|error| Usage(format!("invalid value {text:?} for duration: {error}")))
        }
        (None, None) => Ok(USUAL_DURATION),
    }
}

/// In one process host candidates always win and prove nothing about TURN: there the relay is attempted by itself, too.
/// Of the relay's paths the matrix has those that a server is listed for.
fn paths(command: &arguments::Call, forced: Option<Path>, relays: &[Transport], both_here: bool) -> Vec<Path> {
    if command.paths {
        let relayed = [Path::Relay, Path::RelayUdp, Path::RelayTcp, Path::RelayTls];
        let is_listed = |path: &Path| relays.iter().any(|transport| path.includes_relay_over(*transport));
        return [Path::All, Path::Host, Path::Srflx].into_iter().chain(relayed.into_iter().filter(is_listed)).collect();
    }
    match forced {
        Some(path) => vec![path],
        None if !relays.is_empty() && both_here => vec![Path::All, Path::Relay],
        None => vec![Path::All],
    }
}

fn gateway(command: &arguments::Call, configured: Option<&Signaling>) -> Result<Gateway, Usage> {
    let url = given(command.signaling.as_deref(), "--signaling", configured.and_then(|it| it.url.as_deref()), "signaling.url");
    let (url, place) = url.ok_or_else(|| missing("--signaling", "signaling.url"))?;
    let wrong = |option: &str| {
        let option = option.to_owned();
        move |error: InvalidGateway| Usage(format!("invalid value for {option}: {error}"))
    };
    let mut gateway = Gateway::new(url).map_err(wrong(place))?;
    if let Some(path) = command.signaling_path.as_deref().or_else(|| configured?.path.as_deref()) {
        gateway = gateway.with_path(path);
    }
    if let Some(namespace) = command.namespace.as_deref().or_else(|| configured?.namespace.as_deref()) {
        gateway = gateway.with_namespace(namespace);
    }
    let origin = given(command.origin.as_deref(), "--origin", configured.and_then(|it| it.origin.as_deref()), "signaling.origin");
    if let Some((origin, place)) = origin {
        gateway = gateway.with_origin(origin).map_err(wrong(place))?;
    }
    gateway.transports = transports(command, configured)?;
    let Some(configured) = configured else { return Ok(gateway) };
    for (name, value) in texts(&configured.headers, "signaling.headers")? {
        gateway = gateway.with_header(&name, value).map_err(wrong("signaling.headers"))?;
    }
    for (name, value) in texts(&configured.query, "signaling.query")? {
        gateway = gateway.with_query(&name, value);
    }
    name_events(&mut gateway.events, configured)?;
    name_keys(&mut gateway.keys, configured)?;
    Ok(gateway)
}

/// A value with the name of where it was given: as an option, or else in the configuration.
fn given<'a>(option: Option<&'a str>, name: &'a str, configured: Option<&'a str>, key: &'a str) -> Option<(&'a str, &'a str)> {
    option.map(|value| (value, name)).or_else(|| configured.map(|value| (value, key)))
}

fn transports(command: &arguments::Call, configured: Option<&Signaling>) -> Result<Transports, Usage> {
    if let Some(transports) = command.transports {
        return Ok(transports.into());
    }
    match configured.and_then(|configured| configured.transports.as_deref()) {
        None | Some("both") => Ok(Transports::Both),
        Some("websocket") => Ok(Transports::Websocket),
        Some("polling") => Ok(Transports::Polling),
        Some(other) => Err(Usage(format!("invalid value {other:?} for signaling.transports: both, websocket or polling"))),
    }
}

/// The values of a table of texts, secrets filled in.
fn texts(table: &Map<String, Value>, place: &str) -> Result<Vec<(String, Secret)>, Usage> {
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, Secret::new(text))),
        Value::Number(number) => Ok((name, Secret::new(number.to_string()))),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(Usage(format!("invalid value for {place}.{name}: it must be a text")))
        }
    };
    filled(table, place)?.into_iter().map(text).collect()
}

fn name_events(events: &mut Events, configured: &Signaling) -> Result<(), Usage> {
    for (key, name) in &configured.events {
        let event = match key.as_str() {
            "initiate" => &mut events.initiate,
            "offer" => &mut events.offer,
            "answer" => &mut events.answer,
            "ice_candidate" => &mut events.ice_candidate,
            "end" => &mut events.end,
            "error" => &mut events.error,
            _ => return Err(unknown("events", key, name, "initiate, offer, answer, ice_candidate, end, error")),
        };
        event.clone_from(named("events", key, name)?);
    }
    Ok(())
}

fn name_keys(keys: &mut Keys, configured: &Signaling) -> Result<(), Usage> {
    for (key, name) in &configured.keys {
        let field = match key.as_str() {
            "chat_id" => &mut keys.chat_id,
            "offer" => &mut keys.offer,
            "answer" => &mut keys.answer,
            "candidate" => &mut keys.candidate,
            "caller_id" => &mut keys.caller_id,
            _ => return Err(unknown("keys", key, name, "chat_id, offer, answer, candidate, caller_id")),
        };
        field.clone_from(named("keys", key, name)?);
    }
    Ok(())
}

fn unknown(table: &str, key: &str, name: &str, known: &str) -> Usage {
    Usage(format!("unknown key signaling.{table}.{key} (with {name:?}): there are {known}"))
}

/// A name in an event, which has to be one.
fn named<'a>(table: &str, key: &str, name: &'a String) -> Result<&'a String, Usage> {
    if name.is_empty() { Err(Usage(format!("invalid value \"\" for signaling.{table}.{key}: it is empty"))) } else { Ok(name) }
}

/// The gateway with an end's login: a token of the command line or the environment, else what is configured.
fn with_login(
    gateway: &Gateway,
    command: &arguments::Call,
    configured: Option<&Signaling>,
    role: Role,
) -> Result<Gateway, Usage> {
    let (file, option) = match role {
        Role::Caller => (&command.caller_token_file, "--caller-token-file"),
        Role::Callee => (&command.callee_token_file, "--callee-token-file"),
    };
    let token = match file {
        Some(file) => Some(login::read(file, option)?),
        None => TOKENS.iter().find(|(known, _)| *known == role).map_or(Ok(None), |(_, name)| login::variable(name))?,
    };
    let account: Option<(&Account, &str)> = configured.map(|configured| match role {
        Role::Caller => (&configured.caller, "signaling.caller.auth"),
        Role::Callee => (&configured.callee, "signaling.callee.auth"),
    });
    let mut auth = account.map_or_else(|| Ok(Map::new()), |(account, place)| filled(&account.auth, place))?;
    if let Some(token) = token {
        auth.insert("token".to_owned(), token.expose().into());
    }
    Ok(if auth.is_empty() { gateway.clone() } else { gateway.clone().with_auth(Value::Object(auth)) })
}

fn lines(common: &Common) -> Result<Rc<dyn Lines>, Usage> {
    let Some(file) = &common.ca else {
        return sockets(None).map_err(|error| Usage(error.to_string()));
    };
    let wrong = |why: &str| Usage(format!("invalid value {:?} for --ca: {why}", file.display().to_string()));
    let pem = std::fs::read(file).map_err(|error| wrong(&error.to_string()))?;
    sockets(Some(&pem)).map_err(|error| wrong(&error.to_string()))
}
