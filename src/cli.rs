//! What is typed becomes a plan; what came out becomes text on stdout and an exit code.

pub mod arguments;
mod calling;
mod configuration;
mod explain;
pub mod ice_servers;
mod input;
mod login;
mod network;
mod output;
mod planning;
mod proxy;
mod responder;
mod runtime;
mod session;
mod usage;
mod web_list;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};
pub use usage::Usage;

use crate::model::target::Target;

/// The exit code of a usage or configuration error.
const USAGE: u8 = 2;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let parsed = Arguments::try_parse_from(&given).or_else(|error| as_turn(given, error));
    let arguments = parsed.unwrap_or_else(|error| error.exit());
    match dispatch(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(usage) => {
            output::complain(&format!("error: {usage}"));
            ExitCode::from(USAGE)
        }
    }
}

/// Reads a command line anew where a server stands in the command's place: `callcheck HOST` is `callcheck turn HOST`.
fn as_turn(mut given: Vec<OsString>, error: clap::Error) -> clap::error::Result<Arguments> {
    let word = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => word.clone(),
        _ => return Err(error),
    };
    // A mistyped command has neither.
    let names_server = (word.contains(['.', ':']) || word == "localhost") && word.parse::<Target>().is_ok();
    let Some(at) = given.iter().position(|argument| *argument == *word).filter(|_| names_server) else { return Err(error) };
    given.insert(at, "turn".into());
    Arguments::try_parse_from(given)
}

fn dispatch(arguments: Arguments) -> Result<u8, Usage> {
    explain::check_overrides(&arguments.common)?;
    match arguments.command {
        Command::Stun(command) => session::stun(&command, &arguments.common),
        Command::Turn(command) => session::turn(&command, &arguments.common),
        Command::ExternalIp(command) => session::external_ip(&command, &arguments.common),
        Command::Ports(command) => session::ports(&command, &arguments.common),
        Command::Responder(command) => responder::serve(&command, &arguments.common),
        Command::Call(command) => session::call(&command, &arguments.common),
        Command::Demo(command) => session::demo(&command, &arguments.common),
        Command::Replay(command) => session::replay(&command, &arguments.common),
        Command::Explain(command) => explain::explain(&command, arguments.common.json),
        Command::Completions { shell } => {
            output::print(&completions(shell));
            Ok(0)
        }
        Command::Man => {
            output::print(&man());
            Ok(0)
        }
    }
}

/// The completion script of a shell.
///
/// # Panics
///
/// Never: completions are text.
#[must_use]
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "callcheck", &mut bytes);
    String::from_utf8(bytes).expect("completions are text")
}

/// The man page, the subcommands' pages after it.
///
/// # Panics
///
/// Never: a vector takes what is written to it, and a man page is text.
#[must_use]
pub fn man() -> String {
    let mut bytes = Vec::new();
    let command = Arguments::command();
    clap_mangen::Man::new(command.clone()).render(&mut bytes).expect("a vector takes what is written to it");
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let name = format!("callcheck-{}", subcommand.get_name());
        let page = clap_mangen::Man::new(subcommand.clone().name(name));
        page.render(&mut bytes).expect("a vector takes what is written to it");
    }
    String::from_utf8(bytes).expect("a man page is text")
}
