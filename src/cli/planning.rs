//! Arguments become a plan; whatever is wrong with them is said before anything is sent.

use std::io::Read as _;
use std::rc::Rc;

use super::arguments::{Common, Stun, Turn};
use super::{Usage, ice_servers, login, network, web_list};
use crate::model::asked::{Form, Purpose};
use crate::model::target::Target;
use crate::run::plan::{Plan, Planned};

/// The longest list of servers that is read, in bytes.
const LONGEST_LIST: u64 = 1 << 20;

/// The plan of `turn` or `external-ip`.
pub fn turn(command: &Turn, common: &Common, name: &str, purpose: Purpose) -> Result<Plan, Usage> {
    let login = login::resolve(&command.login)?.map(Rc::new);
    let mut list = None;
    let (services, form) = match (&command.target, &command.ice_servers) {
        (Some(target), _) => {
            let planned = target.services().into_iter().map(|service| {
                let login = if service.relay { login.clone() } else { None };
                Planned { service, login }
            });
            (planned.collect(), target.form())
        }
        (None, Some(source)) if web_list::is_url(source) => {
            let list = list.insert(web_list::get(source, common)?);
            (ice_servers::read(&list.text, &list.shown, login.as_ref())?, Form::Urls)
        }
        (None, Some(source)) => {
            let text = read_text(source, "--ice-servers", LONGEST_LIST)?;
            (ice_servers::read(&text, source, login.as_ref())?, Form::Urls)
        }
        (None, None) => return Err(Usage("neither a TARGET nor --ice-servers was given".to_owned())),
    };
    let mut plan = plan(common, name, purpose, form, services)?;
    plan.long_stream = command.stream;
    if let Some(list) = list {
        plan.timeout = plan.timeout.saturating_sub(list.took);
        plan.contacted = list.contacted;
    }
    Ok(plan)
}

/// The plan of `stun`.
pub fn stun(command: &Stun, common: &Common) -> Result<Plan, Usage> {
    let form = match command.targets.as_slice() {
        [target] => target.form(),
        _ => Form::Urls,
    };
    let services = command.targets.iter().flat_map(Target::services).map(|mut service| {
        service.relay = false;
        Planned { service, login: None }
    });
    plan(common, "stun", Purpose::Stun, form, services.collect())
}

fn plan(common: &Common, command: &str, purpose: Purpose, form: Form, services: Vec<Planned>) -> Result<Plan, Usage> {
    Ok(Plan {
        command: command.to_owned(),
        purpose,
        form,
        controls: network::controls(common, &services),
        services,
        trust: network::trust(common)?,
        timeout: common.timeout,
        families: network::families(common),
        long_stream: None,
        proxy: network::proxy(),
        contacted: Vec::new(),
    })
}

/// Reads a file, or standard input for `-`.
pub fn read_text(source: &str, option: &str, limit: u64) -> Result<String, Usage> {
    let wrong = |error: std::io::Error| Usage(format!("invalid value {source:?} for {option}: {error}"));
    let mut text = String::new();
    if source == "-" {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(wrong)?;
    } else {
        std::fs::File::open(source).map_err(wrong)?.take(limit).read_to_string(&mut text).map_err(wrong)?;
    }
    Ok(text)
}
